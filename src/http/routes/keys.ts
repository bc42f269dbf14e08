import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { CodedError } from '../../domain/errors.ts';
import type { HttpDeps } from '../deps.ts';
import { callerOf, requesterOf, routeOf } from '../plugins/auth.ts';
import { SECURITY, problems } from '../schemas/common.ts';
import { Keys, KeysBody } from '../schemas/privacy.ts';

/** The keys that personal data are sealed under. */
export const keyRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { privacy, access, events }) => {
  app.post(
    '/admin/keys',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['operations'],
        summary: 'Take encryption keys into use without a stop',
        description: 'The new key first, those in use behind it. Keys of people are wrapped anew in small steps; ask again until `done`. Only from the machine itself.',
        security: SECURITY,
        body: KeysBody,
        response: { 200: Keys, ...problems(400, 401, 403, 415, 422, 429, 503) },
      },
    },
    async (request) => {
      if (!isLoopback(request.socket.remoteAddress)) {
        events.callerRefused('forbidden');
        access.refused({ reason: 'not_from_this_machine', route: routeOf(request), key: callerOf(request).name });
        throw new CodedError('forbidden', 'Keys are taken from this machine only.');
      }
      const { keyId, rewrapped, done } = await privacy.useKeys(request.body.encryption_keys, requesterOf(request));
      return { key_id: keyId, rewrapped, done };
    },
  );
};

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/.test(address);
}
