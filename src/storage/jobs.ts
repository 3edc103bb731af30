// Jobs as rows, their events and their metrics. Which state may follow which is decided in src/services/job-states.ts.
import type { Database } from './database.ts';
import { hasLabels } from './labels.ts';
import { NEWEST, type Page, type PageQuery, pageOf } from './page.ts';

export type JobType = 'train' | 'learn' | 'evaluate';
export type JobState =
  | 'queued'
  | 'running'
  | 'pausing'
  | 'paused'
  | 'cancelling'
  | 'succeeded'
  | 'failed'
  | 'cancelled';

export interface JobProgress {
  /** Environment steps this job has done, and is to do. */
  readonly timesteps: number;
  readonly totalTimesteps: number;
  readonly fraction: number;
  readonly episodes: number;
  /** Gradient steps this job has done. */
  readonly updates: number;
  readonly stepsPerSecond: number;
  readonly updatesPerSecond: number;
  /** Seconds to the end at the present rate; null while unknown. */
  readonly etaS: number | null;
}

export interface JobRow {
  readonly id: string;
  readonly type: JobType;
  readonly state: JobState;
  readonly agentId: string;
  /** As the API shows it: snake_case, every default resolved. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly progress: JobProgress;
  /** The newest value of every metric. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly startCheckpointId: string;
  readonly attempts: number;
  readonly lastEventId: number;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly updatedAt: Date;
}

export type JobEventType =
  | 'job.state'
  | 'job.progress'
  | 'job.metrics'
  | 'job.episode'
  | 'job.checkpoint'
  | 'job.log'
  | 'job.done';

export interface JobEvent {
  /** Null for what is not stored (progress). */
  readonly id: number | null;
  readonly type: JobEventType;
  readonly time: Date;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An event before it has its id. `step` is the agent's timesteps; null for what a resume never takes back. */
export interface NewEvent {
  readonly type: JobEventType;
  readonly step: number | null;
  readonly time: Date;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A `job.log` event. */
export interface JobLogLine {
  readonly id: number;
  readonly time: Date;
  readonly message: string;
}

export interface JobFilter {
  readonly state: JobState | null;
  readonly type: JobType | null;
  readonly agentId: string | null;
}

export interface MetricQuery {
  /** Null = all. */
  readonly keys: readonly string[] | null;
  readonly fromStep: number;
  readonly maxPoints: number;
}

export interface MetricSeries {
  readonly key: string;
  /** [step, value], ascending; thinned evenly to `maxPoints`, the last one always kept. */
  readonly points: (readonly [number, number])[];
}

interface Stored {
  id: string;
  type: JobType;
  state: JobState;
  agent_id: string;
  config: string;
  seed: number;
  progress: string;
  metrics: string;
  error: string | null;
  result: string | null;
  labels: string;
  start_checkpoint_id: string;
  attempts: number;
  last_event_id: number;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  updated_at: number;
}

export class JobStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Inserts the job, or replaces all of it but its identity. */
  save(row: JobRow): void {
    this.#database
      .prepare(
        `INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, progress = excluded.progress, metrics = excluded.metrics,
           error = excluded.error, result = excluded.result, attempts = excluded.attempts,
           last_event_id = excluded.last_event_id, start_checkpoint_id = excluded.start_checkpoint_id,
           started_at = excluded.started_at, ended_at = excluded.ended_at,
           updated_at = excluded.updated_at`,
      )
      .run(
        row.id,
        row.type,
        row.state,
        row.agentId,
        JSON.stringify(row.config),
        row.seed,
        JSON.stringify(row.progress),
        JSON.stringify(row.metrics),
        row.error && JSON.stringify(row.error),
        row.result && JSON.stringify(row.result),
        JSON.stringify(row.labels),
        row.startCheckpointId,
        row.attempts,
        row.lastEventId,
        row.createdAt.getTime(),
        row.startedAt?.getTime() ?? null,
        row.endedAt?.getTime() ?? null,
        row.updatedAt.getTime(),
      );
  }

  find(id: string): JobRow | undefined {
    const stored = this.#database.prepare('SELECT * FROM jobs WHERE id = ?').get(id) as Stored | undefined;
    return stored && rowOf(stored);
  }

  list({ state, type, agentId, labels = {}, pageSize, pageToken }: JobFilter & PageQuery): Page<JobRow> {
    const stored = this.#database
      .prepare(
        `SELECT * FROM jobs WHERE id < ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR type = ?3)
           AND (?4 IS NULL OR agent_id = ?4) AND ${hasLabels('jobs.labels', '?5')} ORDER BY id DESC LIMIT ?6`,
      )
      .all(pageToken ?? NEWEST, state, type, agentId, JSON.stringify(labels), pageSize + 1) as Stored[];
    return pageOf(stored.map(rowOf), pageSize);
  }

  /** Jobs that have not ended, oldest first. */
  countsByState(): ReadonlyMap<JobState, number> {
    const sql = 'SELECT state, COUNT(*) AS count FROM jobs GROUP BY state';
    const rows = this.#database.prepare(sql).all() as { state: JobState; count: number }[];
    return new Map(rows.map(({ state, count }) => [state, count]));
  }

  unfinished(): JobRow[] {
    const stored = this.#database
      .prepare("SELECT * FROM jobs WHERE state NOT IN ('succeeded', 'failed', 'cancelled') ORDER BY id")
      .all() as Stored[];
    return stored.map(rowOf);
  }

  /** A job that ended before `time`, in milliseconds since 1970; null = none. */
  endedBefore(time: number): string | null {
    const row = this.#database.prepare('SELECT id FROM jobs WHERE ended_at < ? ORDER BY ended_at LIMIT 1').get(time);
    return (row as { id: string } | undefined)?.id ?? null;
  }

  /** Deletes up to `count` of a job's events, then of its metrics; false once there are none. */
  deleteSome(id: string, count: number): boolean {
    const events = this.#database
      .prepare('DELETE FROM events WHERE job_id = ?1 AND id IN (SELECT id FROM events WHERE job_id = ?1 LIMIT ?2)')
      .run(id, count);
    if (events.changes > 0) return true;
    const metrics = this.#database
      .prepare(
        `DELETE FROM metrics WHERE job_id = ?1
           AND (key, step) IN (SELECT key, step FROM metrics WHERE job_id = ?1 LIMIT ?2)`,
      )
      .run(id, count);
    return metrics.changes > 0;
  }

  delete(id: string): void {
    this.#database.prepare('DELETE FROM jobs WHERE id = ?').run(id);
  }

  insertEvent(jobId: string, id: number, { type, step, time, data }: NewEvent): void {
    this.#database
      .prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)')
      .run(jobId, id, type, step, time.getTime(), JSON.stringify(data));
  }

  events(jobId: string, { after, limit }: { readonly after: number; readonly limit: number }): JobEvent[] {
    const stored = this.#database
      .prepare('SELECT id, type, time, data FROM events WHERE job_id = ? AND id > ? ORDER BY id LIMIT ?')
      .all(jobId, after, limit) as { id: number; type: JobEventType; time: number; data: string }[];
    return stored.map(({ id, type, time, data }) => ({ id, type, time: new Date(time), data: JSON.parse(data) }));
  }

  /** The lines that its worker and the server wrote about the job. */
  logs(jobId: string, { after, limit }: { readonly after: number; readonly limit: number }): JobLogLine[] {
    const stored = this.#database
      .prepare("SELECT id, time, data FROM events WHERE job_id = ? AND type = 'job.log' AND id > ? ORDER BY id LIMIT ?")
      .all(jobId, after, limit) as { id: number; time: number; data: string }[];
    return stored.map(({ id, time, data }) => ({ id, time: new Date(time), message: JSON.parse(data).message }));
  }

  insertMetric(jobId: string, key: string, step: number, value: number): void {
    this.#database.prepare('INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?)').run(jobId, key, step, value);
  }

  metrics(jobId: string, { keys, fromStep, maxPoints }: MetricQuery): MetricSeries[] {
    const known = this.#database
      .prepare('SELECT DISTINCT key FROM metrics WHERE job_id = ? ORDER BY key')
      .all(jobId) as { key: string }[];
    const wanted = known.map(({ key }) => key).filter((key) => keys === null || keys.includes(key));
    return wanted.map((key) => {
      const points = this.#database
        .prepare('SELECT step, value FROM metrics WHERE job_id = ? AND key = ? AND step >= ? ORDER BY step')
        .all(jobId, key, fromStep) as { step: number; value: number }[];
      const stride = Math.max(1, Math.ceil(points.length / maxPoints));
      // Counted from the end, so that the newest point is always there.
      const kept = points.filter((_, index) => (points.length - 1 - index) % stride === 0);
      return { key, points: kept.map(({ step, value }) => [step, value] as const) };
    });
  }

  /** Takes back what happened after `step`: a resume will live through it again. */
  rewind(jobId: string, step: number): void {
    this.#database.prepare('DELETE FROM events WHERE job_id = ? AND step > ?').run(jobId, step);
    this.#database.prepare('DELETE FROM metrics WHERE job_id = ? AND step > ?').run(jobId, step);
  }
}

function rowOf(stored: Stored): JobRow {
  return {
    id: stored.id,
    type: stored.type,
    state: stored.state,
    agentId: stored.agent_id,
    config: JSON.parse(stored.config),
    seed: stored.seed,
    progress: JSON.parse(stored.progress),
    metrics: JSON.parse(stored.metrics),
    error: stored.error === null ? null : JSON.parse(stored.error),
    result: stored.result === null ? null : JSON.parse(stored.result),
    labels: JSON.parse(stored.labels),
    startCheckpointId: stored.start_checkpoint_id,
    attempts: stored.attempts,
    lastEventId: stored.last_event_id,
    createdAt: new Date(stored.created_at),
    startedAt: stored.started_at === null ? null : new Date(stored.started_at),
    endedAt: stored.ended_at === null ? null : new Date(stored.ended_at),
    updatedAt: new Date(stored.updated_at),
  };
}
