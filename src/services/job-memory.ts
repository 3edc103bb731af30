// What a training job will take of memory, and whether there is room for it. Admission is by computed size: V8's own limits
// count neither typed arrays nor what engines allocate, and a machine that runs out kills the server, not the job.
import type { AgentSpaces, Algorithm, Hyperparameters, ReplayPlacement } from '../agent/algorithm.ts';
import { DomainError } from '../errors.ts';

export interface MemoryLimits {
  /** Bytes of one job. */
  readonly jobBytes: number;
  /** Bytes of all jobs that run at once. */
  readonly totalBytes: number;
}

export interface MemoryDemand {
  readonly algorithm: Algorithm;
  readonly hyperparameters: Hyperparameters;
  readonly spaces: AgentSpaces;
  readonly numEnvs: number;
  readonly replayPlacement: ReplayPlacement;
  /** Whether its transitions need not follow each other; false where absent. */
  readonly isLoose?: boolean;
}

/** Bytes of replay, once it is full, its copy on the device, and parameters. Of a GPU too: what it has of its own is not known here. */
export function bytesOf({
  algorithm,
  hyperparameters,
  spaces,
  numEnvs,
  replayPlacement,
  isLoose = false,
}: MemoryDemand): number {
  const { replay, loose = 0, mirror = 0, parameters } = algorithm.memoryBytes(hyperparameters, spaces, numEnvs);
  return replay + (isLoose ? loose : 0) + (replayPlacement === 'device' ? mirror : 0) + parameters;
}

/**
 * Throws `memory_limit` where the job is larger than a job may be, or finds no room beside `others`, the bytes of the jobs that
 * may run at the same time.
 */
export function admit(demand: MemoryDemand, others: readonly number[], { jobBytes, totalBytes }: MemoryLimits): void {
  const needed = bytesOf(demand);
  const taken = others.reduce((sum, bytes) => sum + bytes, 0);
  if (needed > jobBytes) {
    throw new DomainError(
      'memory_limit',
      `The job needs ${show(needed)} for replay and parameters; a job may take ${show(jobBytes)}. ${remedy(demand, jobBytes)}, or start the server with a higher --max-job-memory.`,
    );
  }
  if (needed + taken > totalBytes) {
    throw new DomainError(
      'memory_limit',
      `The job needs ${show(needed)} for replay and parameters; of the ${show(totalBytes)} for all jobs at once, others take ${show(taken)}. Wait for the end of a job or cancel one. ${remedy(demand, totalBytes - taken)}.`,
    );
  }
}

/** The largest replay that fits, where the algorithm has one and some size of it does. */
function remedy(demand: MemoryDemand, limit: number): string {
  const { replay_capacity: capacity } = demand.hyperparameters;
  const fits = (capacity: number) =>
    bytesOf({ ...demand, hyperparameters: { ...demand.hyperparameters, replay_capacity: capacity } }) <= limit;
  if (demand.algorithm.kind === 'planning') return 'Make an agent on an environment with fewer states';
  if (typeof capacity !== 'number' || !fits(1)) return 'Make an agent with smaller hidden_sizes';
  let [low, high] = [1, capacity];
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return `Make an agent with a replay_capacity of at most ${low} instead of ${capacity}`;
}

/** A number of bytes for a person to read. */
export function show(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${unit === 0 ? Math.max(0, bytes) : (bytes / 1024 ** unit).toFixed(1)} ${units[unit]}`;
}
