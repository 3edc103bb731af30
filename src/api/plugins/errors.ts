// Everything that goes wrong leaves as a problem document.
import { maxHeaderSize } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { InvalidRequest, nothingAt, problemHeaders, problemOf } from '../problem.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';

export const errors = fp(
  async (app) => {
    app.setErrorHandler(sendProblem);
    app.setNotFoundHandler((request, reply) => sendProblem(nothingAt(request.method, request.url), request, reply));
    // Node would answer these two itself, without a problem. RFC 9110 §10.1.1 lets a server ignore an expectation.
    app.addHook('onRequest', ({ raw }, _, done) => {
      if (raw.headers.host === undefined && raw.httpVersion === '1.1')
        throw new InvalidRequest('The header Host is missing, which HTTP/1.1 requires; add it.');
      done();
    });
    app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  },
  { name: 'gymserve-errors', dependencies: ['gymserve-request-id'] },
);

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error, {
    requestId: request.id,
    url: request.url,
    contentType: request.headers['content-type'],
    bodyLimitBytes: request.routeOptions.bodyLimit,
  });
  // A refusal (full, draining) is an answer; only what nobody foresaw or the disk did is a fault.
  if (problem.status >= 500 && problem.status !== 503) request.log.error({ err: error }, 'The request failed.');
  return reply
    .code(problem.status)
    .headers({ [REQUEST_ID_HEADER]: request.id, ...problemHeaders(problem.status), ...waitOf(reply) })
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problem);
}

/** What the limit of requests has found out already is truer than a guess. */
function waitOf(reply: FastifyReply): Record<string, string> {
  const seconds = reply.getHeader('retry-after');
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}

/** For what is no HTTP at all, before there is a request. */
export function refuseMalformed(this: FastifyInstance, error: Error & { code?: string }, socket: Socket): void {
  // The client left by itself, or there is nobody to tell.
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const requestId = requestIdOf({ headers: {} });
  this.log.debug({ err: error, requestId }, 'A client sent no valid HTTP.');
  const detail =
    WORDS_OF_NODE.get(error.code ?? '') ??
    `The request is not valid HTTP (${error.code ?? error.message}); send HTTP/1.1 as RFC 9112 describes it.`;
  const body = JSON.stringify(problemOf(new InvalidRequest(detail), { requestId, url: '/' }));
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `${REQUEST_ID_HEADER}: ${requestId}\r\nconnection: close\r\n\r\n${body}`,
  );
}

const WORDS_OF_NODE: ReadonlyMap<string, string> = new Map([
  [
    'HPE_HEADER_OVERFLOW',
    `The path and the headers are larger than ${maxHeaderSize} bytes together; send shorter ones.`,
  ],
  ['UPGRADE_WITH_BODY', 'The header Upgrade asks for another protocol before a body; leave it out.'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'The request did not arrive whole in time; send all of it at once.'],
]);
