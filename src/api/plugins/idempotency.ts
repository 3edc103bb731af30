// `Idempotency-Key`: what HTTP knows of a request that may be repeated, and of an answer that is given again.
import { createHash, webcrypto } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { KeyedRequest } from '../../services/idempotency.ts';
import type { Operation } from '../contract.ts';
import { toJson } from '../serializer.ts';
import type { IdempotencyService } from '../services.ts';
import { keyDigestOf } from './auth.ts';

const HEADER = 'idempotency-key';
/** Tells an answer that is given again from a first one. */
const REPLAYED = 'idempotency-replayed';

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a handler calls in the transaction that creates, with the answer that the creation will get. */
export type Keep = (answer: Answer) => void;

/** The answer of `work`, or that to the first request with the same key. Without a key, or where `operation` takes none, `work` alone. */
export async function answerOnce(
  service: IdempotencyService,
  operation: Operation,
  request: FastifyRequest,
  work: (keep: Keep) => Promise<Answer>,
): Promise<Answer> {
  const key = request.headers[HEADER];
  const takesKey = operation.parameters.some(({ name }) => name === HEADER);
  if (typeof key !== 'string' || !takesKey) return await work(() => undefined);
  let kept: Answer | null = null;
  const outcome = await service.once(await keyedRequest(request, key), async (keep) => {
    const keepAnswer: Keep = (answer) => {
      keep({ status: answer.status, headers: answer.headers ?? {}, body: toJson(answer.body) });
      kept = answer;
    };
    const answer = await work(keepAnswer);
    // What is not created in a transaction is kept as soon as it is there.
    if (kept === null) keepAnswer(answer);
    return kept ?? answer;
  });
  if ('fresh' in outcome) return outcome.fresh;
  const { status, headers, body } = outcome.replayed;
  return { status, headers: { ...headers, [REPLAYED]: 'true' }, type: 'application/json', body: JSON.parse(body) };
}

async function keyedRequest(request: FastifyRequest, key: string): Promise<KeyedRequest> {
  const { method, url, body } = request;
  return {
    principal: keyDigestOf(request) ?? '',
    key,
    path: `${method} ${url.split('?', 1)[0]}`,
    bodySha256: body instanceof Uint8Array ? await sha256OfFile(body) : sha256(toJson(body ?? {})),
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** In another thread: a file may be so large that every other request would wait for it. */
async function sha256OfFile(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}
