// What browsers are told: that answers are no pages, and which other pages may read them.
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import fp from 'fastify-plugin';

export const browser = fp<{ readonly allowedOrigins: readonly string[] }>(
  async (app, { allowedOrigins }) => {
    await app.register(helmet, {
      // Nothing of the API is to be shown as a page; the docs bring their own policy.
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
      },
      // The server speaks plain HTTP; whatever speaks TLS in front of it knows whether it always will.
      strictTransportSecurity: false,
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
