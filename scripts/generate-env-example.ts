/** Writes `.env.example` and the README's table of settings anew: `npm run generate:env`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { ENV_EXAMPLE_FILE, README_FILE, envExample, settings, withSettings } from './settings/texts.ts';

writeFileSync(ENV_EXAMPLE_FILE, envExample());
if (existsSync(README_FILE)) writeFileSync(README_FILE, withSettings(readFileSync(README_FILE, 'utf8')));
console.log(`.env.example: ${settings().length} settings`);
