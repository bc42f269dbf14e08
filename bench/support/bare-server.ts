import fastify from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Contact } from '../../src/http/schemas/contacts.ts';

/** What the service is measured against: the same body through Fastify and zod, and nothing done with it. */
const app = fastify({ logger: false, bodyLimit: 64 * 1024 * 1024 }).withTypeProvider<ZodTypeProvider>();
app.setValidatorCompiler(validatorCompiler);
app.setSerializerCompiler(serializerCompiler);
app.post('/enrich-batch', { schema: { body: z.object({ contacts: z.array(Contact).min(1).max(10_000) }), response: { 202: z.object({ success: z.boolean(), accepted: z.int() }) } } }, async (request, reply) =>
  reply.code(202).send({ success: true, accepted: request.body.contacts.length }),
);
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${url}\n`);
