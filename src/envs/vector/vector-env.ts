// Environments of one kind, stepped together in this thread: gymnasium.vector.SyncVectorEnv (1.4.0), number for number.
import { DomainError } from '../../errors.ts';
import type { Tensors } from '../../math/tensor.ts';
import type { EnvSpec } from '../env.ts';
import { type MakeOptions, make } from '../registry.ts';
import { show } from '../spaces/json-tensor.ts';
import type { SpaceOf, Value } from '../spaces/space.ts';
import type { AutoresetMode } from './autoreset.ts';
import type { Batch } from './batch.ts';
import { type Infos, resetInfos, stepInfos } from './infos.ts';
import { SubEnvironments } from './sub-environments.ts';

/** As Gymnasium's: an integer s seeds sub-environment i with s + i; of a list, null lets a generator go on. */
export type Seeds = number | readonly (number | null)[];

export interface VectorResetOptions {
  readonly seed?: Seeds;
  /** Every sub-environment's. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Which to reset, at least one; all where absent. */
  readonly resetMask?: readonly boolean[];
}

export interface VectorResetResult {
  /** Of all, in one array in C order; it is fresh and the caller may keep it. */
  readonly observations: Batch;
  readonly infos: Infos;
}

export interface VectorStepResult extends VectorResetResult {
  readonly rewards: Float64Array;
  readonly terminations: readonly boolean[];
  readonly truncations: readonly boolean[];
}

export class VectorEnv {
  readonly numEnvs: number;
  readonly autoresetMode: AutoresetMode;
  readonly spec: EnvSpec;
  /** Of one sub-environment. */
  readonly singleObservationSpace: SpaceOf<Value>;
  readonly singleActionSpace: SpaceOf<Value>;
  readonly #envs: SubEnvironments;

  private constructor(envs: SubEnvironments, mode: AutoresetMode) {
    this.numEnvs = envs.count;
    this.autoresetMode = mode;
    this.spec = envs.first.spec;
    this.singleObservationSpace = envs.observationSpace;
    this.singleActionSpace = envs.actionSpace;
    this.#envs = envs;
  }

  /** `numEnvs` of `make(id, options)`. Throws what `make` throws, and `unsupported_space` where the spaces do not batch. */
  static async make(
    id: string,
    {
      numEnvs,
      autoresetMode = 'NextStep',
      ...options
    }: MakeOptions & { readonly numEnvs: number; readonly autoresetMode?: AutoresetMode },
  ): Promise<VectorEnv> {
    return new VectorEnv(await makeSubEnvironments(id, numEnvs, autoresetMode, options), autoresetMode);
  }

  /** Throws `invalid_request` for seeds or a mask that do not fit, or before the first reset for any mask. */
  reset({ seed, options = {}, resetMask }: VectorResetOptions = {}): VectorResetResult {
    const seeds = seedsOf(seed ?? null, this.numEnvs);
    const mask = checkedMask(resetMask ?? null, this.numEnvs);
    const { observations, infos } = this.#envs.reset({ seeds, options, mask });
    return { observations, infos: resetInfos(infos) };
  }

  /**
   * `actions`: the elements of `singleActionSpace` one after the other. Throws `reset_required` where an episode is over
   * that nobody but the caller resets, and before the first reset.
   */
  step(actions: Batch): VectorStepResult {
    const { infos, finals, ...rest } = this.#envs.step(actions);
    return { ...rest, infos: stepInfos(infos, finals) };
  }

  getState(): Tensors {
    return this.#envs.getState();
  }

  setState(state: Tensors): void {
    this.#envs.setState(state);
  }

  close(): void {
    this.#envs.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Closes what it made where it cannot make all. */
export async function makeSubEnvironments(
  id: string,
  count: number,
  mode: AutoresetMode,
  options: MakeOptions,
): Promise<SubEnvironments> {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new DomainError(
      'invalid_request',
      `The number of environments is ${count}; it must be an integer from 1 on.`,
    );
  }
  const envs = [];
  try {
    for (let i = 0; i < count; i++) envs.push(await make(id, options));
    return new SubEnvironments(envs, mode);
  } catch (error) {
    for (const env of envs) env.close();
    throw error;
  }
}

/** A seed for each of `count`. Throws `invalid_request` for a list of another length, or a seed that is none; then none is used. */
export function seedsOf(seed: Seeds | null, count: number): readonly (number | null)[] {
  if (seed === null) return new Array<null>(count).fill(null);
  if (typeof seed !== 'number') {
    const wrong = seed.find((one) => one !== null && !isSeed(one));
    if (seed.length === count && wrong === undefined) return seed;
    const problem = wrong === undefined ? `There are ${seed.length} seeds` : `One of the seeds is ${wrong}`;
    throw new DomainError('invalid_request', `${problem}; send ${count} integers from 0 to 2^53 − 1, or null.`);
  }
  if (isSeed(seed) && seed <= Number.MAX_SAFE_INTEGER - count + 1) {
    return Array.from({ length: count }, (_, i) => seed + i);
  }
  throw new DomainError(
    'invalid_request',
    `The seed is ${seed}; sub-environment i is seeded with seed + i, which must be an integer from 0 to 2^53 − 1.`,
  );
}

function isSeed(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Throws `invalid_request` for a mask of another length, or one that resets nothing. */
export function checkedMask(mask: readonly boolean[] | null, count: number): readonly boolean[] | null {
  if (mask === null || (mask.length === count && mask.includes(true))) return mask;
  throw new DomainError(
    'invalid_request',
    `reset_mask is ${show(mask)}; it must be a list of ${count}, true for at least one sub-environment.`,
  );
}
