// Checkpoints: listed, shown, made on request, deleted. The files behind them are immutable and shared.
import { DomainError } from '../errors.ts';
import type { Blobs } from '../storage/blobs.ts';
import type { BlobRef, CheckpointRow, CheckpointStore } from '../storage/checkpoints.ts';
import type { Page, PageQuery } from '../storage/page.ts';
import { newId } from './ids.ts';

export interface CheckpointRecord {
  readonly id: string;
  readonly agentId: string;
  /** The job that wrote it; null where the agent's creation or a request did. */
  readonly jobId: string | null;
  readonly timesteps: number;
  /** Of the content that can be downloaded. */
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Whether training goes on from it with the replay, streams and environment it had. */
  readonly hasReplay: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

export interface AgentState {
  readonly timesteps: number;
  readonly model: BlobRef;
  readonly experience: BlobRef | null;
}

/** The oldest file that a sweep may take, and how long it waits to be worth it. */
const SWEEP = { delayMs: 60_000, minAgeMs: 60_000 } as const;

/** What checkpoints need of agents and jobs. */
export interface CheckpointUses {
  /** The checkpoint that the agent stands on. Throws `agent_not_found`. */
  currentOf(agentId: string): string;
  /** A checkpoint that the agent's running job writes at its next step; null where no job trains it. */
  ofRunningJob(agentId: string): Promise<CheckpointRow> | null;
  /** A job that has not ended and needs this checkpoint; null = none. */
  neededBy(checkpoint: CheckpointRow): string | null;
}

export class Checkpoints {
  readonly #store: CheckpointStore;
  readonly #blobs: Blobs;
  #uses: CheckpointUses | null = null;
  #sweep: NodeJS.Timeout | null = null;

  constructor(options: { readonly store: CheckpointStore; readonly blobs: Blobs }) {
    this.#store = options.store;
    this.#blobs = options.blobs;
  }

  /** Told once by the composition root: jobs and checkpoints know each other. */
  connect(uses: CheckpointUses): void {
    this.#uses = uses;
  }

  /** The state of the agent now, as a checkpoint of its own: from its running job at its next step, else of what it stands on. */
  async create(agentId: string): Promise<CheckpointRecord> {
    const uses = this.#connected();
    uses.currentOf(agentId);
    // A job that ends before it comes by leaves its last checkpoint, which the agent stands on by then.
    const written = await uses.ofRunningJob(agentId)?.catch(() => null);
    if (written) return recordOf(written);
    const { timesteps, model, experience } = this.row(uses.currentOf(agentId));
    return recordOf(this.insert({ agentId, jobId: null, state: { timesteps, model, experience } }));
  }

  get(id: string): CheckpointRecord {
    return recordOf(this.row(id));
  }

  list(agentId: string, query: PageQuery): Page<CheckpointRecord> {
    this.#connected().currentOf(agentId);
    const { data, nextPageToken } = this.#store.listOfAgent(agentId, query);
    return { data: data.map(recordOf), nextPageToken };
  }

  /** The file with parameters and optimiser. Throws `checkpoint_corrupt` where it is not there any more. */
  async content(id: string): Promise<{ path: string; sizeBytes: number; sha256: string }> {
    const { model } = this.row(id);
    return { path: await this.#blobs.find(model), sizeBytes: model.bytes, sha256: model.sha256 };
  }

  /** Throws `checkpoint_in_use` while an agent stands on it or a job needs it. */
  async delete(id: string): Promise<void> {
    const row = this.row(id);
    const uses = this.#connected();
    if (uses.currentOf(row.agentId) === id) {
      throw new DomainError(
        'checkpoint_in_use',
        `Agent ${row.agentId} stands on checkpoint ${id}; restore another one first, or delete the agent.`,
      );
    }
    const job = uses.neededBy(row);
    if (job !== null)
      throw new DomainError(
        'checkpoint_in_use',
        `Job ${job} needs checkpoint ${id}; cancel the job or wait for its end.`,
      );
    this.remove([id]);
  }

  /** Lists files that are already durable. */
  insert({
    id = newId('ckpt'),
    agentId,
    jobId,
    state,
  }: {
    id?: string;
    agentId: string;
    jobId: string | null;
    state: AgentState;
  }): CheckpointRow {
    const row = { id, agentId, jobId, ...state, labels: {}, createdAt: new Date() };
    this.#store.insert(row);
    return row;
  }

  /** Throws `checkpoint_not_found`. */
  row(id: string): CheckpointRow {
    const row = this.#store.find(id);
    if (row === undefined) {
      throw new DomainError(
        'checkpoint_not_found',
        `There is no checkpoint ${id}; GET /v1/agents/{id}/checkpoints lists those of an agent.`,
      );
    }
    return row;
  }

  /** Newest first. */
  ofJob(jobId: string): CheckpointRow[] {
    return this.#store.listOfJob(jobId);
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#store.delete(id);
    if (ids.length > 0) this.sweepSoon();
  }

  /** Deletes the files that nothing names, once they are old enough to be nobody's next checkpoint. */
  sweepSoon(): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = null;
      this.#blobs.sweep(this.#store.namedBlobs(), SWEEP.minAgeMs).catch((error: unknown) => {
        // Nothing is lost: the next sweep tries again.
        process.emitWarning(`Old checkpoint files could not be deleted: ${String(error)}`);
      });
    }, SWEEP.delayMs).unref();
  }

  /** Deletes what a crash left behind, before anything writes. */
  async sweepAtStart(): Promise<void> {
    await this.#blobs.sweep(this.#store.namedBlobs(), 0);
  }

  close(): void {
    if (this.#sweep !== null) clearTimeout(this.#sweep);
  }

  #connected(): CheckpointUses {
    if (this.#uses === null) throw new Error('Checkpoints were used before connect().');
    return this.#uses;
  }
}

function recordOf({
  id,
  agentId,
  jobId,
  timesteps,
  model,
  experience,
  labels,
  createdAt,
}: CheckpointRow): CheckpointRecord {
  return {
    id,
    agentId,
    jobId,
    timesteps,
    sizeBytes: model.bytes,
    sha256: model.sha256,
    hasReplay: experience !== null,
    labels,
    createdAt,
  };
}
