import fp from 'fastify-plugin';

/**
 * What keeps browsers in line, as Helmet sets it by default. There is no Content-Security-Policy, as nothing but the
 * pages of the documentation is HTML. Fixed, because to build these anew took longer than to read a request.
 */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'SAMEORIGIN',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

/** Every answer names its request, and carries the security headers. */
export const headers = fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, done) => {
      void reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
      done();
    });
  },
  { name: 'headers' },
);
