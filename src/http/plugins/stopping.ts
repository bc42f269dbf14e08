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
    app.addHook('onRequest', (request, _reply, done) => {
      if (!stopping.now || request.routeOptions.url?.startsWith('/health/') === true) done();
      else done(new CodedError('stopping', 'The service is stopping; try again.', { retryAfterSeconds: RETRY_AFTER_SECONDS }));
    });
    app.addHook('onSend', (_request, reply, payload, done) => {
      if (stopping.now) void reply.header('connection', 'close');
      done(null, payload);
    });
  },
  { name: 'stopping' },
);
