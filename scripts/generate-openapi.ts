/** Writes `openapi.yaml` anew: `npm run generate:openapi`. */
import { writeFileSync } from 'node:fs';
import { OPENAPI_FILE, describeOpenApi, toYaml } from './openapi/describe.ts';

const text = toYaml(await describeOpenApi());
writeFileSync(OPENAPI_FILE, text);
console.log(`openapi.yaml: ${text.split('\n').length} lines`);
