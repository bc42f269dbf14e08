import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fp from 'fastify-plugin';
import { describeAll, describeRoute } from '../description.ts';

/** Describes the routes from their own schemas: `/openapi.json`, and `/docs` to read and try them. */
export const openapi = fp<{ version: string }>(
  async (app, { version }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'cxone-enricher',
          version,
          description: 'Gets customer data into NICE CXone cleanly, lawfully and without loss. Errors are problem documents (RFC 9457) with a `code`.',
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        servers: [{ url: '/', description: 'this service' }],
        components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'The secret of an API key' } } },
        tags: [
          { name: 'contacts', description: 'Batches of contacts and what became of them' },
          { name: 'profiles', description: 'Single profiles' },
          { name: 'webhooks', description: 'What CXone calls' },
          { name: 'audit', description: 'The audit trail and its proofs' },
          { name: 'privacy', description: 'Requests of data subjects' },
          { name: 'consents', description: 'The consent ledger' },
          { name: 'operations', description: 'Health, metrics, queue' },
        ],
      },
      transform: describeRoute,
      transformObject: describeAll,
    });
    await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
    app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  },
  { name: 'openapi' },
);
