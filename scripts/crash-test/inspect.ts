// Looks into a data directory that no server has: is the database sound, and is every file that a checkpoint names there and what
// it was? Runs in a process of its own, since a database is let go for certain only when its process ends.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';

export interface Inspection {
  /** `ok`, or what SQLite complains of. */
  readonly integrity: string;
  /** Newest first. */
  readonly checkpoints: readonly { readonly id: string; readonly jobId: string | null; readonly model: string }[];
  /** Files that a checkpoint names and that are missing or changed. */
  readonly damaged: readonly string[];
  /** Files beside the named ones: a crash may leave them, and a start clears them. */
  readonly unnamed: readonly string[];
  readonly events: readonly {
    readonly jobId: string;
    readonly id: number;
    readonly type: string;
    readonly data: unknown;
  }[];
}

function inspect(dataDir: string): Inspection {
  const database = new Libsql(join(dataDir, 'gymserve.db'));
  const all = <T>(sql: string): T[] => database.prepare(sql).all() as T[];
  const named = new Map(
    all<{ sha256: string; bytes: number }>(
      `SELECT model_sha256 AS sha256, model_bytes AS bytes FROM checkpoints
       UNION SELECT experience_sha256, experience_bytes FROM checkpoints WHERE experience_sha256 IS NOT NULL
       UNION SELECT sha256, bytes FROM checkpoint_segments`,
    ).map(({ sha256, bytes }) => [sha256, bytes]),
  );
  const folder = join(dataDir, 'blobs');
  const files = new Set(readdirSync(folder));
  const isWhole = ([sha256, bytes]: readonly [string, number]): boolean => {
    if (!files.has(sha256)) return false;
    const content = readFileSync(join(folder, sha256));
    return content.byteLength === bytes && createHash('sha256').update(content).digest('hex') === sha256;
  };
  return {
    integrity: all<{ integrity_check: string }>('PRAGMA integrity_check')
      .map((row) => row.integrity_check)
      .join('; '),
    checkpoints: all('SELECT id, job_id AS jobId, model_sha256 AS model FROM checkpoints ORDER BY id DESC'),
    damaged: [...named].filter((blob) => !isWhole(blob)).map(([sha256]) => sha256),
    unnamed: [...files].filter((name) => !named.has(name)),
    events: all<{ job_id: string; id: number; type: string; data: string }>(
      'SELECT job_id, id, type, data FROM events',
    ).map(({ job_id, id, type, data }) => ({ jobId: job_id, id, type, data: JSON.parse(data) })),
  };
}

process.stdout.write(JSON.stringify(inspect(process.argv[2] ?? '')));
