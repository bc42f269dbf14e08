import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { GateView } from '../../domain/delivery/call-gate.ts';
import type { Api } from '../../domain/ports/cxone.ts';
import type { Integrity } from '../../services/checkpoint-service.ts';
import type { HttpDeps } from '../deps.ts';
import { Live, Ready } from '../schemas/operations.ts';

/** `GET /health/live` and `GET /health/ready`: for whoever restarts the process, and for whoever sends it work. */
export const healthRoutes: FastifyPluginAsyncZod<HttpDeps> = async (app, { operations, checkpoints, stopping }) => {
  const tags = ['operations'];
  app.get('/health/live', { schema: { tags, summary: 'Whether the process runs', response: { 200: Live } } }, () => ({ status: 'live' as const }));

  app.get(
    '/health/ready',
    { schema: { tags, summary: 'Whether work is taken; CXone may be down', response: { 200: Ready, 503: Ready } } },
    async (_request, reply) => {
      const store = await operations.stats().then(() => true, () => false);
      const cxone = apisOf(operations.gate());
      const status = stopping.now ? ('stopping' as const) : store ? ('ready' as const) : ('unavailable' as const);
      return reply.code(status === 'ready' ? 200 : 503).send({ status, store, cxone, audit: auditOf(checkpoints.integrity()) });
    },
  );
};

/** A trail that broke stops no work; whoever looks here learns of it. */
function auditOf(integrity: Integrity) {
  return integrity.ok ? { integrity: true } : { integrity: false, reason: integrity.reason };
}

/** How each API of CXone stands, as callers see it. */
export function apisOf(gate: GateView) {
  const of = (api: Api) => {
    const { breaker, reason, paused } = gate.apis[api];
    return { breaker, paused, ...(reason === undefined ? {} : { reason }) };
  };
  return { contacts: of('contacts'), profiles: of('profiles') };
}
