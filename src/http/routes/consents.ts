import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { CodedError } from '../../domain/errors.ts';
import { subjectOfHeader } from '../../domain/identity/subject.ts';
import type { HttpDeps } from '../deps.ts';
import { requesterOf } from '../plugins/auth.ts';
import { AuditHeaders } from '../schemas/audit.ts';
import { SECURITY, problems } from '../schemas/common.ts';
import { Consents, ConsentsQuery, WithdrawBody, Withdrawn } from '../schemas/operations.ts';

/** `POST /consents/withdraw`, `GET /consents`: the ledger of who agreed to what. */
export const consentRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { consents }) => {
  app.post(
    '/consents/withdraw',
    {
      config: { scope: 'ingest' },
      schema: {
        tags: ['consents'],
        summary: 'Take consent back, at once',
        description: 'Whatever waits for this person is checked again; evidence older than this counts for nothing from now on.',
        security: SECURITY,
        body: WithdrawBody,
        response: { 200: Withdrawn, ...problems(400, 401, 403, 415, 429, 503) },
      },
    },
    async (request) => {
      const { channels, reason, email, phone, external_crm_id } = request.body;
      const subject = { ...(email === undefined ? {} : { email }), ...(phone === undefined ? {} : { phone }), ...(external_crm_id === undefined ? {} : { external_crm_id }) };
      return consents.withdraw(subject, channels, reason, requesterOf(request));
    },
  );

  app.get(
    '/consents',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['consents'],
        summary: 'What a person has consented to, and the evidence',
        description: 'By external_crm_id; an e-mail or a phone goes into the X-Subject header, never into the URL.',
        security: SECURITY,
        querystring: ConsentsQuery,
        headers: AuditHeaders,
        response: { 200: Consents, ...problems(400, 401, 403, 404, 429, 503) },
      },
    },
    async (request) => {
      const header = request.headers['x-subject'];
      const { external_crm_id } = request.query;
      const found = await consents.of({ ...(header === undefined ? {} : subjectOfHeader(header)), ...(external_crm_id === undefined ? {} : { external_crm_id }) });
      if (found === null) throw new CodedError('not_found', 'Nothing is known of this person.');
      return found;
    },
  );
};
