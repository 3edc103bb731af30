// Everything that goes wrong leaves as a problem document.
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { DomainError } from '../../errors.ts';
import { InvalidRequest, problemHeaders, problemOf } from '../problem.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';

export const errors = fp(
  async (app) => {
    app.setErrorHandler(sendProblem);
    app.setNotFoundHandler((request, reply) => {
      const detail = `There is nothing at ${request.method} ${pathOf(request.url)}; GET /openapi.json lists what there is.`;
      return sendProblem(new DomainError('not_found', detail), request, reply);
    });
  },
  { name: 'gymserve-errors', dependencies: ['gymserve-request-id'] },
);

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error, { requestId: request.id, url: request.url });
  if (problem.status >= 500) request.log.error({ err: error }, 'The request failed.');
  return reply
    .code(problem.status)
    .headers({ [REQUEST_ID_HEADER]: request.id, ...problemHeaders(problem.status) })
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problem);
}

/** For what is no HTTP at all, before there is a request. */
export function refuseMalformed(this: FastifyInstance, error: Error & { code?: string }, socket: Socket): void {
  // The client left by itself, or there is nobody to tell.
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const requestId = requestIdOf({ headers: {} });
  this.log.debug({ err: error, requestId }, 'A client sent no valid HTTP.');
  const detail = `The request is not valid HTTP (${error.code ?? error.message}).`;
  const body = JSON.stringify(problemOf(new InvalidRequest(detail), { requestId, url: '/' }));
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `${REQUEST_ID_HEADER}: ${requestId}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}
