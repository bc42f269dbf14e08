import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { HttpDeps } from '../deps.ts';
import { decodeUtf8, jsonParse } from '../plugins/bodies.ts';
import { problems } from '../schemas/common.ts';
import { Acknowledged } from '../schemas/operations.ts';

const WEBHOOK_MAX_BYTES = 256 * 1024;

/** `POST /webhooks/cxone-merge`: what CXone tells us. The signature is over the bytes, so they stay bytes here. */
export const webhookRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { webhooks }) => {
  const parse = jsonParse();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: WEBHOOK_MAX_BYTES }, (_request, body, done) => done(null, body));

  app.post(
    '/webhooks/cxone-merge',
    {
      bodyLimit: WEBHOOK_MAX_BYTES,
      schema: {
        tags: ['webhooks'],
        summary: 'Receive an event of CXone; acknowledged once it is stored',
        description: 'Signed after WEBHOOK_SIGNATURE: Standard Webhooks by default.',
        response: { 200: Acknowledged, ...problems(400, 401, 413, 503) },
      },
    },
    async (request) => webhooks.receive(request.headers, Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0), (body) => parse(decodeUtf8(body))),
  );
};
