// What browsers are told: that answers are no pages, and which other pages may read them.
import cors from '@fastify/cors';
import fp from 'fastify-plugin';

/**
 * Those of Helmet, which works them out anew for each request; a step of CartPole takes markedly longer with it. Not among them is
 * Strict-Transport-Security: the server speaks plain HTTP; whatever speaks TLS in front of it knows whether it always will.
 */
const HEADERS = {
  // Nothing of the API is to be shown as a page; the docs bring their own policy.
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  // JSON must never be taken for a page.
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'SAMEORIGIN',
  'x-permitted-cross-domain-policies': 'none',
  // The filter of old browsers did more harm than good; 0 turns it off.
  'x-xss-protection': '0',
};

export const browser = fp<{ readonly allowedOrigins: readonly string[] }>(
  async (app, { allowedOrigins }) => {
    app.addHook('onRequest', (_, reply, done) => {
      reply.headers(HEADERS);
      done();
    });
    if (allowedOrigins.length === 0) return;
    await app.register(cors, {
      origin: [...allowedOrigins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: [
        'location',
        'etag',
        'x-request-id',
        'retry-after',
        'idempotency-replayed',
        'content-disposition',
      ],
      maxAge: 600,
      strictPreflight: false,
    });
  },
  { name: 'gymserve-browser' },
);
