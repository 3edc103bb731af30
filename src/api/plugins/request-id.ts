// Every request has an id, and every reply says it.
import type { IncomingMessage } from 'node:http';
import fp from 'fastify-plugin';
import { ulid } from 'ulid';

export const REQUEST_ID_HEADER = 'x-request-id';

/** The client's own id where it is harmless to log and to send back, else a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : `req_${ulid()}`;
}

export const requestId = fp(
  async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.header(REQUEST_ID_HEADER, request.id);
      // JSON must never be taken for a page.
      reply.header('x-content-type-options', 'nosniff');
    });
  },
  { name: 'gymserve-request-id' },
);
