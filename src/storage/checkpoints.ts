// Checkpoints as rows that name blobs. A blob may serve several.
import type { AgentRow } from './agents.ts';
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
  /** Null where it came from outside; then it has an identity. */
  readonly agentId: string | null;
  readonly identity: CheckpointIdentity | null;
  readonly jobId: string | null;
  readonly timesteps: number;
  /** How far its job was, counted as the job's events are. */
  readonly step: number;
  readonly model: BlobRef;
  /** The small file of its experience. */
  readonly experience: BlobRef | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

export interface CheckpointQuery extends PageQuery {
  /** Null = of any agent, or none. */
  readonly agentId: string | null;
}

/** What an agent made of a checkpoint is. */
export type CheckpointIdentity = Pick<
  AgentRow,
  'algorithm' | 'specId' | 'envKwargs' | 'observationSpace' | 'actionSpace' | 'hyperparameters'
>;

interface Stored {
  id: string;
  agent_id: string | null;
  identity: string | null;
  job_id: string | null;
  timesteps: number;
  step: number;
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
      .prepare('INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        row.id,
        row.agentId,
        row.identity && JSON.stringify(row.identity),
        row.jobId,
        row.timesteps,
        row.step,
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

  list({ agentId, pageSize, pageToken, labels = {} }: CheckpointQuery): Page<CheckpointRow> {
    // Not `?1 IS NULL OR agent_id = ?1`, which no index can serve: most checkpoints may be of other agents.
    const ofAgent = agentId === null ? '?1 IS NULL' : 'agent_id = ?1';
    const stored = this.#database
      .prepare(`SELECT * FROM checkpoints WHERE ${ofAgent} AND id < ?2 AND ${hasLabels('checkpoints.labels', '?3')}
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

  /** The newest of the agent's before `id` that is not known to be damaged. */
  soundBefore(agentId: string, id: string): CheckpointRow | undefined {
    const stored = this.#database
      .prepare(
        `SELECT * FROM checkpoints WHERE agent_id = ? AND id < ?
           AND id NOT IN (SELECT checkpoint_id FROM checkpoint_damage) ORDER BY id DESC LIMIT 1`,
      )
      .get(agentId, id) as Stored | undefined;
    return stored && rowOf(stored);
  }

  /** What is wrong with its files; null = nothing that was noticed. */
  damageOf(id: string): string | null {
    const row = this.#database.prepare('SELECT damage FROM checkpoint_damage WHERE checkpoint_id = ?').get(id);
    return (row as { damage: string } | undefined)?.damage ?? null;
  }

  setDamage(id: string, damage: string | null): void {
    if (damage === null) this.#database.prepare('DELETE FROM checkpoint_damage WHERE checkpoint_id = ?').run(id);
    else this.#database.prepare('INSERT OR REPLACE INTO checkpoint_damage VALUES (?, ?)').run(id, damage);
  }

  relabel(id: string, labels: CheckpointRow['labels']): void {
    this.#database.prepare('UPDATE checkpoints SET labels = ? WHERE id = ?').run(JSON.stringify(labels), id);
  }

  delete(id: string): void {
    this.#database.prepare('DELETE FROM checkpoints WHERE id = ?').run(id);
  }

  /** Names of the blobs that a checkpoint, or a job to come, still needs. */
  namedBlobs(): Set<string> {
    const rows = this.#database
      .prepare(
        `SELECT model_sha256 AS name FROM checkpoints
         UNION SELECT experience_sha256 FROM checkpoints WHERE experience_sha256 IS NOT NULL
         UNION SELECT sha256 FROM checkpoint_segments
         UNION SELECT sha256 FROM transition_batches`,
      )
      .all() as { name: string }[];
    return new Set(rows.map(({ name }) => name));
  }
}

function rowOf(stored: Stored): CheckpointRow {
  return {
    id: stored.id,
    agentId: stored.agent_id,
    identity: stored.identity === null ? null : JSON.parse(stored.identity),
    jobId: stored.job_id,
    timesteps: stored.timesteps,
    step: stored.step,
    model: { sha256: stored.model_sha256, bytes: stored.model_bytes },
    experience:
      stored.experience_sha256 === null
        ? null
        : { sha256: stored.experience_sha256, bytes: stored.experience_bytes ?? 0 },
    labels: JSON.parse(stored.labels),
    createdAt: new Date(stored.created_at),
  };
}
