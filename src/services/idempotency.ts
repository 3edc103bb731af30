// A request that a client repeats under one key creates once: the first answer is kept in the transaction that creates, and given
// again. Knows nothing of HTTP but that an answer has a status, headers and a body.
import { DomainError } from '../errors.ts';
import type { IdempotencyStore } from '../storage/idempotency.ts';

/** How long a key is remembered. */
export const KEPT_MS = 86_400_000;

export interface KeyedRequest {
  /** Who asks; empty where everybody may. */
  readonly principal: string;
  readonly key: string;
  /** Method and path. */
  readonly path: string;
  readonly bodySha256: string;
}

export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

export class Idempotency {
  readonly #store: IdempotencyStore;
  readonly #underWay = new Set<string>();

  constructor(store: IdempotencyStore) {
    this.#store = store;
  }

  /**
   * The answer that the key got before, or else, with `keep` to store an answer in the transaction that creates, that of `work`.
   * A request that fails keeps nothing and may be repeated. Throws `idempotency_key_reused` where the key came with another
   * request, `idempotency_key_in_flight` while the first one is being answered.
   */
  async once<T>(
    request: KeyedRequest,
    work: (keep: (answer: KeptAnswer) => void) => Promise<T>,
  ): Promise<{ readonly fresh: T } | { readonly replayed: KeptAnswer }> {
    const { principal, key, path, bodySha256 } = request;
    const kept = this.#store.find(principal, key, Date.now() - KEPT_MS);
    if (kept !== undefined) {
      if (kept.path === path && kept.bodySha256 === bodySha256) return { replayed: kept };
      const other = kept.path === path ? 'another body' : `${kept.path} instead of ${path}`;
      throw new DomainError(
        'idempotency_key_reused',
        `The Idempotency-Key "${key}" came with ${other} at ${kept.createdAt.toISOString()}; give each new request a key of its own.`,
      );
    }
    const ticket = JSON.stringify([principal, key]);
    if (this.#underWay.has(ticket)) {
      throw new DomainError(
        'idempotency_key_in_flight',
        `A request with the Idempotency-Key "${key}" is being answered; wait for that, or repeat this one later.`,
      );
    }
    this.#underWay.add(ticket);
    try {
      return { fresh: await work((answer) => this.#store.insert({ ...request, ...answer, createdAt: new Date() })) };
    } finally {
      this.#underWay.delete(ticket);
    }
  }
}
