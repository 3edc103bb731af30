// Every request has an id, and every reply says it.
import { randomFillSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fp from 'fastify-plugin';
import { ulid } from 'ulid';

export const REQUEST_ID_HEADER = 'x-request-id';

/** The client's own id where it is harmless to log and to send back, else a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : `req_${ulid(undefined, draw)}`;
}

/** By itself ulid asks the system for each of its sixteen characters, which took a tenth of a step's time. */
function draw(): number {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  return (pool[next++] as number) / 256;
}

const pool = new Uint8Array(4096);
let next = pool.length;

export const requestId = fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.header(REQUEST_ID_HEADER, request.id);
      done();
    });
  },
  { name: 'gymserve-request-id' },
);
