// Between Fastify and a handler: what every operation needs before and after it runs.
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { DomainError } from '../errors.ts';
import { negotiate } from './accept.ts';
import type { Operation } from './contract.ts';
import { MSGPACK, toMsgpack } from './msgpack.ts';
import { answerOnce, type Keep } from './plugins/idempotency.ts';
import { nothingAt, quote } from './problem.ts';
import { toJsonInSlices } from './serializer.ts';
import type { IdempotencyService } from './services.ts';

const FILE_TYPE = 'application/octet-stream';
const JSON_TYPE = 'application/json';
/** Of what a client uploads; it is held in memory whole. */
export const FILE_LIMIT_BYTES = 64 << 20;

/** A handler of any operation, as the router sees it: validation has made sure that the call fits. */
export type AnyHandler = (call: never) => Promise<AnyReply>;

interface AnyReply {
  readonly status: number;
  readonly type?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Route = Pick<RouteShorthandOptions, 'onRequest' | 'preValidation' | 'bodyLimit'> & {
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
};

/** How Fastify runs `operation`. `closing` aborts when the server closes. */
export function routeOf(
  operation: Operation,
  handler: AnyHandler,
  { closing, idempotency }: { readonly closing: AbortSignal; readonly idempotency: IdempotencyService },
): Route {
  return {
    ...(operation.takesFile && { bodyLimit: FILE_LIMIT_BYTES }),
    // Before the body is read: what cannot be answered need not be received.
    onRequest: (request, _, done) => {
      requireIds(request);
      requireAcceptable(operation, request.headers.accept);
      requireMediaType(operation, request.headers);
      done();
    },
    preValidation: (request, _, done) => {
      if (request.body !== undefined) return done();
      if (operation.body !== null) request.body = {};
      // Bodies are read some ticks later: without one, it would overtake what was sent before it on the same connection.
      setImmediate(done);
    },
    handler: async (request, reply) => {
      const accepts = negotiate(request.headers.accept, operation.produces);
      const work = (keep: Keep) =>
        handler({
          params: request.params,
          query: request.query,
          headers: request.headers,
          body: request.body,
          accepts,
          keep,
          prefers: (offered: readonly string[]) => negotiate(request.headers.accept, offered),
          // A getter: it listens as soon as it is read.
          get signal() {
            return callSignal(reply, closing);
          },
        } as never);
      return send(reply, await writtenFor(accepts, await answerOnce(idempotency, operation, request, work)));
    },
  };
}

/** What is JSON to a handler as text or, where Accept prefers that, as MessagePack; problems stay what they are. */
async function writtenFor(accepts: string | null, answer: AnyReply): Promise<AnyReply> {
  if (answer.type !== JSON_TYPE) return answer;
  if (accepts === MSGPACK) return { ...answer, type: MSGPACK, body: toMsgpack(answer.body) };
  return { ...answer, type: `${JSON_TYPE}; charset=utf-8`, body: await toJsonInSlices(answer.body) };
}

function send(reply: FastifyReply, { status, type, headers, body }: AnyReply): FastifyReply {
  reply.code(status);
  if (headers !== undefined) reply.headers(headers);
  if (type !== undefined) reply.type(type);
  return reply.send(body);
}

/** SQLite ends a text at NUL, so that "agt_1\0" would be agt_1 to it and another agent to everything else. */
export function requireIds({ method, url, params }: FastifyRequest): void {
  for (const id of Object.values(params as Record<string, string>)) {
    if (id === '' || /[\p{Cc}\p{Cs}]/u.test(id)) throw nothingAt(method, url);
  }
}

function requireAcceptable({ produces, responses }: Operation, accept: string | undefined): void {
  if (!responses.has(406) || negotiate(accept, produces) !== null) return;
  const detail = `Accept is ${quote(accept ?? '')}; this answer exists as ${produces.join(' or ')}.`;
  throw new DomainError('not_acceptable', detail);
}

/** JSON is told from everything else by its parser; here files and MessagePack are told from JSON. */
function requireMediaType({ takesFile, body, packedBody }: Operation, headers: IncomingHttpHeaders): void {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = headers;
  const essence = type.split(';', 1)[0]?.trim().toLowerCase();
  const [isFile, isPacked] = [essence === FILE_TYPE, essence === MSGPACK];
  if ((takesFile || isPacked) && encoding.toLowerCase() !== 'identity') {
    const detail = `Content-Encoding is ${quote(encoding)}; send the ${takesFile ? 'file' : 'body'} as it is, without Content-Encoding.`;
    throw new DomainError('unsupported_media_type', detail);
  }
  const isWrong = isFile !== takesFile || (isPacked && packedBody === null);
  if (!isWrong || (!takesFile && body === null)) return;
  const wanted = takesFile ? `the file as ${FILE_TYPE}` : 'the body as application/json';
  throw new DomainError('unsupported_media_type', `Content-Type is ${quote(type)}; send ${wanted}.`);
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
