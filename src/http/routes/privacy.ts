import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { CodedError } from '../../domain/errors.ts';
import type { ErasureView, PrivacySubject } from '../../domain/ports/privacy.ts';
import type { HttpDeps } from '../deps.ts';
import { requesterOf } from '../plugins/auth.ts';
import { SECURITY, Uuid, problems } from '../schemas/common.ts';
import { Access, AccessBody, Erasure, ErasureAccepted, ErasureBody } from '../schemas/privacy.ts';

/** What data subjects may ask for: erasure, and all that is held of them. */
export const privacyRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { privacy }) => {
  const tags = ['privacy'];
  app.post(
    '/privacy/erasure',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Erase a person (GDPR Article 17)',
        description:
          'From here on nothing of the person is sent, and no import brings the person back. Patches of other profiles that wait or were set aside and name the person by an identifier are cancelled as a whole (`erased_subject`). What is left are keyed tombstones.',
        security: SECURITY,
        body: ErasureBody,
        response: { 202: ErasureAccepted, ...problems(400, 401, 403, 409, 415, 429, 503) },
      },
    },
    async (request, reply) => {
      const { everyone, reason, ...subject } = request.body;
      const view = await privacy.erase(given(subject), { everyone, reason, ...requesterOf(request) });
      return reply.code(202).send(acceptedOf(view));
    },
  );

  app.get(
    '/privacy/erasure/:id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'How an erasure stands, and its certificate',
        security: SECURITY,
        params: z.object({ id: Uuid }),
        response: { 200: Erasure, ...problems(400, 401, 403, 404, 429, 503) },
      },
    },
    async (request) => {
      const found = await privacy.erasure(request.params.id);
      if (found === null) throw new CodedError('not_found', 'There is no such erasure.');
      const { view, certificate } = found;
      return {
        ...acceptedOf(view),
        reason: view.reason,
        requested_at: new Date(view.requestedAt).toISOString(),
        ...(view.completedAt === null ? {} : { completed_at: new Date(view.completedAt).toISOString() }),
        erased: { ...view.counts },
        ...(certificate === undefined ? {} : { certificate }),
      };
    },
  );

  app.post(
    '/privacy/access',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Everything held about a person (GDPR Articles 15 and 20)',
        security: SECURITY,
        body: AccessBody,
        response: { 200: Access, ...problems(400, 401, 403, 415, 429, 503) },
      },
    },
    async (request) => {
      const { reason: _, ...subject } = request.body;
      return privacy.access(given(subject), requesterOf(request));
    },
  );
};

function acceptedOf(view: ErasureView) {
  return { erasure_id: view.erasureId, status: view.status, people: view.people, legs: view.legs.map((leg) => ({ ...leg })) };
}

type Subject = { [Name in keyof PrivacySubject | 'country']?: string | undefined };

/** Without what was not given. */
function given(subject: Subject): PrivacySubject & { country?: string } {
  const entries = Object.entries(subject).filter(([, value]) => value !== undefined);
  const { country, ...found } = Object.fromEntries(entries) as PrivacySubject & { country?: string };
  return country === undefined ? found : { ...found, country: country.toUpperCase() };
}
