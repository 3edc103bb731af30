// Answers to requests that created something, by the key that the client gave, so that a repeated request creates nothing more.
import type { Database } from './database.ts';

export interface IdempotencyRow {
  /** Who asked: keys of different callers have nothing to do with each other. */
  readonly principal: string;
  readonly key: string;
  /** What was asked, method and path. */
  readonly path: string;
  readonly bodySha256: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
  readonly createdAt: Date;
}

interface Stored {
  principal: string;
  key: string;
  path: string;
  body_sha256: string;
  status: number;
  headers: string;
  body: string;
  created_at: number;
}

export class IdempotencyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** To be called in the transaction that creates. Replaces what is too old to be found. */
  insert(row: IdempotencyRow): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        row.principal,
        row.key,
        row.path,
        row.bodySha256,
        row.status,
        JSON.stringify(row.headers),
        row.body,
        row.createdAt.getTime(),
      );
  }

  /** Not those from before `since`, in milliseconds since 1970. */
  find(principal: string, key: string, since: number): IdempotencyRow | undefined {
    const stored = this.#database
      .prepare('SELECT * FROM idempotency_keys WHERE principal = ? AND key = ? AND created_at >= ?')
      .get(principal, key, since) as Stored | undefined;
    return (
      stored && {
        principal: stored.principal,
        key: stored.key,
        path: stored.path,
        bodySha256: stored.body_sha256,
        status: stored.status,
        headers: JSON.parse(stored.headers),
        body: stored.body,
        createdAt: new Date(stored.created_at),
      }
    );
  }

  deleteBefore(time: number): void {
    this.#database.prepare('DELETE FROM idempotency_keys WHERE created_at < ?').run(time);
  }
}
