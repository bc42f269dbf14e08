import fp from 'fastify-plugin';
import { CodedError } from '../../domain/errors.ts';

const RETRY_AFTER_SECONDS = 5;

/** Whether the process is on its way out; set once, by the signal handler. */
export type Stopping = { now: boolean };

/**
 * While stopping: what is in flight is answered with `connection: close`, so that keep-alive clients let go, and
 * what is new is answered 503. Health checks still tell how it is.
 */
export const stoppingPlugin = fp<{ stopping: Stopping }>(
  async (app, { stopping }) => {
    app.addHook('onRequest', async (request) => {
      if (!stopping.now || request.routeOptions.url?.startsWith('/health/') === true) return;
      throw new CodedError('stopping', 'The service is stopping; try again.', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    });
    app.addHook('onSend', async (_request, reply, payload) => {
      if (stopping.now) void reply.header('connection', 'close');
      return payload;
    });
  },
  { name: 'stopping' },
);
