// Checkpoints as rows that name blobs. A blob may serve several.
import type { Database } from './database.ts';
import { hasLabels } from './labels.ts';
import { NEWEST, type Page, type PageQuery, pageOf } from './page.ts';

export interface BlobRef {
  /** SHA-256 of the content, in hex: also its name on disk. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface NamedBlob extends BlobRef {
  readonly name: string;
}

/** What exact resume needs beside the model: a small file, and the large state in segments by their names. */
export interface ExperienceRef {
  readonly file: BlobRef;
  readonly segments: readonly NamedBlob[];
}

/** A row as it is listed; the segments of its experience are read apart, being hundreds. */
export interface CheckpointRow {
  readonly id: string;
  readonly agentId: string;
  readonly jobId: string | null;
  readonly timesteps: number;
  readonly model: BlobRef;
  /** The small file of its experience. */
  readonly experience: BlobRef | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

interface Stored {
  id: string;
  agent_id: string;
  job_id: string | null;
  timesteps: number;
  model_sha256: string;
  model_bytes: number;
  experience_sha256: string | null;
  experience_bytes: number | null;
  labels: string;
  created_at: number;
}

export class CheckpointStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** `segments` are those of the row's experience. To be called in a transaction. */
  insert(row: CheckpointRow, segments: readonly NamedBlob[]): void {
    this.#database
      .prepare('INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        row.id,
        row.agentId,
        row.jobId,
        row.timesteps,
        row.model.sha256,
        row.model.bytes,
        row.experience?.sha256 ?? null,
        row.experience?.bytes ?? null,
        JSON.stringify(row.labels),
        row.createdAt.getTime(),
      );
    const statement = this.#database.prepare('INSERT INTO checkpoint_segments VALUES (?, ?, ?, ?)');
    for (const { name, sha256, bytes } of segments) statement.run(row.id, name, sha256, bytes);
  }

  find(id: string): CheckpointRow | undefined {
    const stored = this.#database.prepare('SELECT * FROM checkpoints WHERE id = ?').get(id) as Stored | undefined;
    return stored && rowOf(stored);
  }

  /** In the order of their names. */
  segments(id: string): NamedBlob[] {
    return this.#database
      .prepare('SELECT name, sha256, bytes FROM checkpoint_segments WHERE checkpoint_id = ? ORDER BY name')
      .all(id) as NamedBlob[];
  }

  listOfAgent(agentId: string, { pageSize, pageToken, labels = {} }: PageQuery): Page<CheckpointRow> {
    const stored = this.#database
      .prepare(`SELECT * FROM checkpoints WHERE agent_id = ?1 AND id < ?2 AND ${hasLabels('checkpoints.labels', '?3')}
         ORDER BY id DESC LIMIT ?4`)
      .all(agentId, pageToken ?? NEWEST, JSON.stringify(labels), pageSize + 1) as Stored[];
    return pageOf(stored.map(rowOf), pageSize);
  }

  /** Newest first. */
  listOfJob(jobId: string): CheckpointRow[] {
    const stored = this.#database
      .prepare('SELECT * FROM checkpoints WHERE job_id = ? ORDER BY id DESC')
      .all(jobId) as Stored[];
    return stored.map(rowOf);
  }

  relabel(id: string, labels: CheckpointRow['labels']): void {
    this.#database.prepare('UPDATE checkpoints SET labels = ? WHERE id = ?').run(JSON.stringify(labels), id);
  }

  delete(id: string): void {
    this.#database.prepare('DELETE FROM checkpoints WHERE id = ?').run(id);
  }

  /** Names of the blobs that a checkpoint still needs. */
  namedBlobs(): Set<string> {
    const rows = this.#database
      .prepare(
        `SELECT model_sha256 AS name FROM checkpoints
         UNION SELECT experience_sha256 FROM checkpoints WHERE experience_sha256 IS NOT NULL
         UNION SELECT sha256 FROM checkpoint_segments`,
      )
      .all() as { name: string }[];
    return new Set(rows.map(({ name }) => name));
  }
}

function rowOf(stored: Stored): CheckpointRow {
  return {
    id: stored.id,
    agentId: stored.agent_id,
    jobId: stored.job_id,
    timesteps: stored.timesteps,
    model: { sha256: stored.model_sha256, bytes: stored.model_bytes },
    experience:
      stored.experience_sha256 === null
        ? null
        : { sha256: stored.experience_sha256, bytes: stored.experience_bytes ?? 0 },
    labels: JSON.parse(stored.labels),
    createdAt: new Date(stored.created_at),
  };
}
