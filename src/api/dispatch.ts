// Between Fastify and a handler: what every operation needs before and after it runs.
import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { DomainError } from '../errors.ts';
import { negotiate } from './accept.ts';
import type { Operation } from './contract.ts';
import { nothingAt, quote } from './problem.ts';

/** A handler of any operation, as the router sees it: validation has made sure that the call fits. */
export type AnyHandler = (call: never) => Promise<AnyReply>;

interface AnyReply {
  readonly status: number;
  readonly type?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Route = Pick<RouteShorthandOptions, 'onRequest' | 'preValidation'> & {
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
};

/** How Fastify runs `operation`. `closing` aborts when the server closes. */
export function routeOf(operation: Operation, handler: AnyHandler, closing: AbortSignal): Route {
  return {
    // Before the body is read: what cannot be answered need not be received.
    onRequest: async (request) => {
      requireIds(request);
      requireAcceptable(operation, request.headers.accept);
    },
    preValidation: async (request) => {
      if (request.body === undefined && operation.body !== null) request.body = {};
    },
    handler: async (request, reply) => {
      const call = {
        params: request.params,
        query: request.query,
        headers: request.headers,
        body: request.body,
        accepts: negotiate(request.headers.accept, operation.produces),
        get signal() {
          return callSignal(reply, closing);
        },
      };
      return send(reply, await handler(call as never));
    },
  };
}

function send(reply: FastifyReply, { status, type, headers, body }: AnyReply): FastifyReply {
  reply.code(status);
  if (headers !== undefined) reply.headers(headers);
  if (type !== undefined) reply.type(type);
  return reply.send(body);
}

/** SQLite ends a text at NUL, so that "agt_1\0" would be agt_1 to it and another agent to everything else. */
function requireIds({ method, url, params }: FastifyRequest): void {
  for (const id of Object.values(params as Record<string, string>)) {
    if (id === '' || /[\p{Cc}\p{Cs}]/u.test(id)) throw nothingAt(method, url);
  }
}

function requireAcceptable({ produces, responses }: Operation, accept: string | undefined): void {
  if (!responses.has(406) || negotiate(accept, produces) !== null) return;
  const detail = `Accept is ${quote(accept ?? '')}; this answer exists as ${produces.join(' or ')}.`;
  throw new DomainError('not_acceptable', detail);
}

/** Made only for handlers that ask for it: most are done before anyone could leave. */
function callSignal(reply: FastifyReply, closing: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  closing.addEventListener('abort', abort, { once: true });
  // Only the response knows when the client leaves: the request closes once its body is read.
  reply.raw.once('close', () => {
    closing.removeEventListener('abort', abort);
    abort();
  });
  if (closing.aborted || reply.raw.destroyed) abort();
  return controller.signal;
}
