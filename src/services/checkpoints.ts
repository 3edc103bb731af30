// Checkpoints: listed, shown, made on request, deleted. The files behind them are immutable and shared.
import { DomainError } from '../errors.ts';
import type { Blobs } from '../storage/blobs.ts';
import type {
  BlobRef,
  CheckpointIdentity,
  CheckpointQuery,
  CheckpointRow,
  CheckpointStore,
  ExperienceRef,
} from '../storage/checkpoints.ts';
import { type Database, transaction } from '../storage/database.ts';
import type { Page, PageQuery } from '../storage/page.ts';
import { newId } from './ids.ts';

export interface CheckpointRecord {
  readonly id: string;
  /** Null where it was imported. */
  readonly agentId: string | null;
  /** The job that wrote it; null where the agent's creation or a request did. */
  readonly jobId: string | null;
  readonly timesteps: number;
  /** Of the content that can be downloaded. */
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Whether training goes on from it with the replay, streams and environment it had. */
  readonly hasReplay: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** What is wrong with its files, where somebody came across it; else null. */
  readonly damage: string | null;
  readonly createdAt: Date;
}

export interface AgentState {
  readonly timesteps: number;
  readonly model: BlobRef;
  readonly experience: ExperienceRef | null;
}

/** How long a sweep waits to be worth it, and for how long it must find a file unnamed to take it. */
const SWEEP = { delayMs: 60_000, minAgeMs: 50_000 } as const;

/** What checkpoints need of agents and jobs. */
export interface CheckpointUses {
  /** The checkpoint that the agent stands on. Throws `agent_not_found`. */
  currentOf(agentId: string): string;
  /** A checkpoint that the agent's running job writes at its next step; null where no job trains it. */
  ofRunningJob(agentId: string): Promise<CheckpointRow> | null;
  /** Checks and stores a file that somebody sent. */
  checkFile(
    file: Uint8Array,
    sha256: string | null,
  ): Promise<{ readonly identity: CheckpointIdentity; readonly timesteps: number; readonly model: BlobRef }>;
  /** A job that has not ended and needs this checkpoint; null = none. */
  neededBy(checkpoint: CheckpointRow): string | null;
}

export class Checkpoints {
  readonly #database: Database;
  readonly #store: CheckpointStore;
  readonly #blobs: Blobs;
  #uses: CheckpointUses | null = null;
  #sweep: NodeJS.Timeout | null = null;
  /** Backups that are copying the files. */
  #holders = 0;
  #closed = false;

  constructor(options: { readonly database: Database; readonly store: CheckpointStore; readonly blobs: Blobs }) {
    this.#database = options.database;
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
    if (written) return this.#record(written);
    const current = uses.currentOf(agentId);
    const copy = this.insert({ agentId, jobId: null, state: this.stateOf(current) });
    // Of the same files.
    this.#store.setDamage(copy.id, this.#store.damageOf(current));
    return this.#record(copy);
  }

  /**
   * A checkpoint of the file that somebody sent, of no agent. `sha256` is what the sender says that the file has, in hex; `within` is
   * called in the transaction that lists it. Throws `checkpoint_corrupt`, `checkpoint_incompatible`, or what is wrong with the agent that it describes.
   */
  async import(
    file: Uint8Array,
    sha256: string | null,
    within: (checkpoint: CheckpointRecord) => void = () => undefined,
  ): Promise<CheckpointRecord> {
    const { identity, timesteps, model } = await this.#connected().checkFile(file, sha256);
    const state = { timesteps, model, experience: null };
    return transaction(this.#database, () => {
      const checkpoint = this.#record(this.insert({ agentId: null, identity, jobId: null, state }));
      within(checkpoint);
      return checkpoint;
    });
  }

  get(id: string): CheckpointRecord {
    return this.#record(this.row(id));
  }

  /** Throws `agent_not_found`. */
  listOfAgent(agentId: string, query: PageQuery): Page<CheckpointRecord> {
    this.#connected().currentOf(agentId);
    return this.list({ agentId, ...query });
  }

  /** Those of one agent, or all: imported ones too. */
  list(query: CheckpointQuery): Page<CheckpointRecord> {
    const { data, nextPageToken } = this.#store.list(query);
    return { data: data.map((row) => this.#record(row)), nextPageToken };
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
    if (row.agentId !== null && uses.currentOf(row.agentId) === id) {
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
    identity = null,
    jobId,
    state,
    step = state.timesteps,
    isBest = false,
  }: {
    id?: string;
    /** Null where it has an identity of its own. */
    agentId: string | null;
    identity?: CheckpointIdentity | null;
    jobId: string | null;
    state: AgentState;
    /** How far its job is, where that is not the agent's timesteps. */
    step?: number;
    /** Whether it is the best of its job so far. */
    isBest?: boolean;
  }): CheckpointRow {
    const { timesteps, model, experience } = state;
    const row = {
      id,
      agentId,
      identity,
      jobId,
      timesteps,
      step,
      model,
      experience: experience?.file ?? null,
      labels: isBest ? BEST : {},
      createdAt: new Date(),
    };
    transaction(this.#database, () => {
      if (isBest && jobId !== null)
        for (const best of this.ofJob(jobId).filter(isOfBest)) this.#store.relabel(best.id, {});
      this.#store.insert(row, experience?.segments ?? []);
    });
    return row;
  }

  /** Throws `checkpoint_not_found`. */
  row(id: string): CheckpointRow {
    const row = this.#store.find(id);
    if (row === undefined) {
      throw new DomainError(
        'checkpoint_not_found',
        `There is no checkpoint ${id}; GET /v1/checkpoints lists those that exist.`,
      );
    }
    return row;
  }

  /** All of what it names. Throws `checkpoint_not_found`. */
  stateOf(id: string): AgentState {
    const { timesteps, model, experience } = this.row(id);
    return { timesteps, model, experience: experience && { file: experience, segments: this.#store.segments(id) } };
  }

  isDamaged(id: string): boolean {
    return this.#store.damageOf(id) !== null;
  }

  /** What was wrong with its files when somebody read them. */
  markDamaged(id: string, damage: string): void {
    this.#store.setDamage(id, damage);
  }

  /** Its files were read, and all of them are what they were. */
  markSound(id: string): void {
    this.#store.setDamage(id, null);
  }

  /** The newest of the agent's before `id` that is not known to be damaged; null = none. */
  soundBefore(agentId: string, id: string): CheckpointRow | null {
    return this.#store.soundBefore(agentId, id) ?? null;
  }

  /** Newest first. */
  ofJob(jobId: string): CheckpointRow[] {
    return this.#store.listOfJob(jobId);
  }

  /**
   * Deletes checkpoints whatever needs them. The newest of a running job, or the one that it began at, must not be among
   * them: the job's next checkpoint names their segments without writing them again.
   */
  /** Deletes all of the job's checkpoints but the last `count` that are whole, what is damaged after those, and its best one. */
  keepOfJob(jobId: string, count: number): void {
    const own = this.ofJob(jobId);
    const oldest = own.filter(({ id }) => !this.isDamaged(id))[count - 1];
    const rest = oldest === undefined ? [] : own.filter(({ id }) => id < oldest.id);
    this.remove(rest.filter((row) => !isOfBest(row)).map((row) => row.id));
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#store.delete(id);
    if (ids.length > 0) this.sweepSoon();
  }

  /** Deletes the files that nothing names, once they are old enough to be nobody's next checkpoint. */
  sweepSoon(): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = null;
      if (this.#holders > 0) return this.sweepSoon();
      this.#blobs
        .sweep(this.#store.namedBlobs(), SWEEP.minAgeMs)
        .then((isMoreToCome) => isMoreToCome && !this.#closed && this.sweepSoon())
        .catch((error: unknown) => {
          // Nothing is lost: the next sweep tries again.
          process.emitWarning(`Old checkpoint files could not be deleted: ${String(error)}`);
        });
    }, SWEEP.delayMs).unref();
  }

  /** No sweep begins, so that all files that are named now stay, until the function that this returns is called. */
  holdSweeps(): () => void {
    this.#holders += 1;
    return () => {
      this.#holders -= 1;
    };
  }

  /** Deletes what a crash left behind, before anything writes. */
  async sweepAtStart(): Promise<void> {
    await this.#blobs.sweep(this.#store.namedBlobs(), 0);
  }

  close(): void {
    this.#closed = true;
    if (this.#sweep !== null) clearTimeout(this.#sweep);
  }

  #record(row: CheckpointRow): CheckpointRecord {
    return recordOf(row, this.#store.damageOf(row.id));
  }

  #connected(): CheckpointUses {
    if (this.#uses === null) throw new Error('Checkpoints were used before connect().');
    return this.#uses;
  }
}

/** The label of the state at a job's best evaluation. */
const BEST = { best: 'true' } as const;

const isOfBest = ({ labels }: CheckpointRow): boolean => labels['best'] === BEST.best;

function recordOf(
  { id, agentId, jobId, timesteps, model, experience, labels, createdAt }: CheckpointRow,
  damage: string | null,
): CheckpointRecord {
  return {
    id,
    agentId,
    jobId,
    timesteps,
    sizeBytes: model.bytes,
    sha256: model.sha256,
    hasReplay: experience !== null,
    labels,
    damage,
    createdAt,
  };
}
