// Transitions that agents were given, in batches as they came, until they have learnt from them. Knows SQL; what a batch holds is a blob.
import type { BlobRef } from './checkpoints.ts';
import type { Database } from './database.ts';

export interface TransitionBatch extends BlobRef {
  /** How many transitions the agent was given before it. */
  readonly first: number;
  /** Of its transitions. */
  readonly count: number;
}

export interface TransitionCounts {
  /** Given since the agent was made. */
  readonly total: number;
  /** Of them, in no checkpoint yet. */
  readonly pending: number;
  /** In so many batches. */
  readonly batches: number;
}

export class TransitionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  counts(agentId: string): TransitionCounts {
    const { total, pending, batches } = this.#database
      .prepare(
        `SELECT transitions AS total, coalesce(sum(count), 0) AS pending, count(first) AS batches
         FROM agents LEFT JOIN transition_batches ON agent_id = id WHERE id = ? GROUP BY id`,
      )
      .get(agentId) as TransitionCounts;
    return { total, pending, batches };
  }

  /** To be called in a transaction. */
  append(agentId: string, count: number, { sha256, bytes }: BlobRef): void {
    const { total } = this.counts(agentId);
    this.#database
      .prepare('INSERT INTO transition_batches VALUES (?, ?, ?, ?, ?)')
      .run(agentId, total, count, sha256, bytes);
    this.#database.prepare('UPDATE agents SET transitions = ? WHERE id = ?').run(total + count, agentId);
  }

  /** Those of the agent's first `through` transitions that are pending, in the order in which they came. */
  pending(agentId: string, through: number): TransitionBatch[] {
    return this.#database
      .prepare(
        'SELECT first, count, sha256, bytes FROM transition_batches WHERE agent_id = ? AND first < ? ORDER BY first',
      )
      .all(agentId, through) as TransitionBatch[];
  }

  /** A checkpoint holds the agent's first `through` transitions. To be called in the transaction that lists it. */
  take(agentId: string, through: number): void {
    this.#database.prepare('DELETE FROM transition_batches WHERE agent_id = ? AND first < ?').run(agentId, through);
  }
}
