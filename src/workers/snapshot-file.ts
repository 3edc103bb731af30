// An environment's exact snapshot as one safetensors file: what the service keeps of it in the document, what it is in the
// tensors. In a worker thread, since a file of thousands of sub-environments takes longer than the main thread may block.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { restoring } from '../envs/snapshot.ts';
import { show } from '../envs/spaces/json-tensor.ts';
import type { JsonNumber } from '../envs/spaces/space.ts';
import { joinStates, splitState } from '../envs/vector/block-state.ts';
import { DomainError } from '../errors.ts';
import { nest, type Tensor, type Tensors, under } from '../math/tensor.ts';
import { decodeSafetensors, encodeSafetensors } from '../safetensors.ts';

export const SNAPSHOT_VERSION = 1;

/** What two environments that are made alike agree in. Keyword arguments with every default filled in. */
export interface SnapshotIdentity {
  readonly spec_id: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly wrappers: readonly { readonly name: string; readonly kwargs: Readonly<Record<string, unknown>> }[];
  readonly max_episode_steps: number | null;
  readonly num_envs: number | null;
  readonly autoreset_mode: string | null;
}

/** What the service counts. */
export interface SnapshotCounters {
  /** Null for a vector environment, as `episode_return`. */
  readonly episode_step: number | null;
  readonly episode_return: JsonNumber | null;
  readonly needs_reset: boolean;
  /** The seed of the next reset that brings none; null where the random numbers go on. */
  readonly next_reset_seed: number | null;
}

/** The JSON document under `gymserve` in the file's `__metadata__`. */
export type SnapshotDocument = SnapshotIdentity &
  SnapshotCounters & { readonly format_version: number; readonly kind: 'environment' };

/** Of one worker: its environment or block, and the generator that samples actions. */
export interface WorkerState {
  readonly env: Tensors;
  readonly sampler: Tensors;
  /** What a single environment was last seen in; null before its first reset, and of a block, which holds its own. */
  readonly observation: Tensor | null;
}

function tensorsOf({ env, sampler, observation }: WorkerState): Tensors {
  return { ...nest('env', env), ...nest('sampler', sampler), ...(observation !== null && { observation }) };
}

/** Throws a `RangeError` for a tensor that has no place. */
function workerStateOf(tensors: Tensors): WorkerState {
  const stray = Object.keys(tensors).find((name) => !/^(?:env\/|sampler\/|observation$)/.test(name));
  if (stray !== undefined) throw new RangeError(`There is no place for the tensor "${stray.slice(0, 60)}".`);
  const { observation = null } = tensors;
  return { env: under('env', tensors), sampler: under('sampler', tensors), observation };
}

/** One buffer crosses threads faster than thousands of small ones. */
export function encodeWorkerState(state: WorkerState): Uint8Array {
  return encodeSafetensors({ format_version: SNAPSHOT_VERSION }, tensorsOf(state));
}

export function decodeWorkerState(bytes: Uint8Array): WorkerState {
  return workerStateOf(decodeSafetensors(bytes, { what: 'state of the worker', version: SNAPSHOT_VERSION }).tensors);
}

/**
 * The file of the environment whose blocks are in `states`, of `counts` sub-environments each; `counts` is null for a
 * single environment, which has one state. The same bytes whatever the number of blocks.
 */
export function writeSnapshot(
  document: SnapshotDocument,
  states: readonly Uint8Array[],
  counts: readonly number[] | null,
): { readonly file: Uint8Array; readonly sha256: string } {
  const blocks = states.map(decodeWorkerState);
  const [first] = blocks;
  if (first === undefined) throw new RangeError('There is no state to make a snapshot of.');
  const env =
    counts === null
      ? first.env
      : joinStates(
          blocks.map((block) => block.env),
          counts,
        );
  // The first block's worker draws for all.
  const file = encodeSafetensors(document, tensorsOf({ ...first, env }));
  return { file, sha256: createHash('sha256').update(file).digest('hex') };
}

/**
 * What `writeSnapshot` wrote, for blocks that may be others. Throws `checkpoint_corrupt` for other bytes, and
 * `checkpoint_incompatible` for a file that is no snapshot, or one of an environment that was not made like `identity`.
 */
export function readSnapshot(
  file: Uint8Array,
  identity: SnapshotIdentity,
  counts: readonly number[] | null,
): { readonly counters: SnapshotCounters; readonly states: readonly Uint8Array[] } {
  const { document, tensors } = decodeSafetensors(file, { what: 'snapshot', version: SNAPSHOT_VERSION });
  if (document['kind'] !== 'environment') {
    const detail = `The file is of kind ${show(document['kind'])}, not "environment"; send what GET …/state of an environment gave.`;
    throw new DomainError('checkpoint_incompatible', detail);
  }
  requireAlike(document, identity);
  const counters = countersOf(document, identity.num_envs === null);
  return restoring(identity.spec_id, () => {
    const state = workerStateOf(tensors);
    if (counts !== null && state.observation !== null)
      throw new RangeError('There is no place for the tensor "observation".');
    const parts = counts === null ? [state.env] : splitState(state.env, counts);
    return { counters, states: parts.map((env) => encodeWorkerState({ ...state, env })) };
  });
}

const IDENTITY = ['spec_id', 'num_envs', 'autoreset_mode', 'max_episode_steps', 'kwargs', 'wrappers'] as const;

function requireAlike(document: Readonly<Record<string, unknown>>, identity: SnapshotIdentity): void {
  const other = IDENTITY.find((name) => !isDeepStrictEqual(document[name], identity[name]));
  if (other === undefined) return;
  throw new DomainError(
    'checkpoint_incompatible',
    `The snapshot is of an environment with ${other} ${show(document[other])}, and this one has ${show(identity[other])}; restore it into one that was made with the same ${IDENTITY.join(', ')}.`,
  );
}

function countersOf(document: Readonly<Record<string, unknown>>, isSingle: boolean): SnapshotCounters {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const isNumber = (value: unknown) =>
    typeof value === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity';
  const fits: Readonly<Record<keyof SnapshotCounters, (value: unknown) => boolean>> = {
    episode_step: isSingle ? isCount : (value) => value === null,
    episode_return: isSingle ? isNumber : (value) => value === null,
    needs_reset: (value) => typeof value === 'boolean',
    next_reset_seed: (value) => value === null || isCount(value),
  };
  const wrong = Object.entries(fits).find(([name, isFit]) => !isFit(document[name]));
  if (wrong !== undefined) {
    const detail = `The snapshot says ${wrong[0]} is ${show(document[wrong[0]])}, which cannot be; send the bytes as they were written.`;
    throw new DomainError('checkpoint_corrupt', detail);
  }
  const { episode_step, episode_return, needs_reset, next_reset_seed } = document as unknown as SnapshotCounters;
  return { episode_step, episode_return, needs_reset, next_reset_seed };
}
