// Environments that step together: a whole vector environment, or one worker's block of it. What they give back is by
// sub-environment, so that the answers of blocks can be put together before the infos become arrays (infos.ts).
// Follows gymnasium/vector/sync_vector_env.py (1.4.0), but that nothing has stepped where a call is refused.
import { DomainError } from '../../errors.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, Info } from '../env.ts';
import { restoring } from '../snapshot.ts';
import type { SpaceOf, Value } from '../spaces/space.ts';
import type { AutoresetMode } from './autoreset.ts';
import { type Batch, Batches } from './batch.ts';
import type { Final } from './infos.ts';

export interface BlockReset {
  /** Of all sub-environments, also of those that were not reset: fresh, the caller may keep or transfer it. */
  readonly observations: Batch;
  /** Of those that were reset; null elsewhere. */
  readonly infos: readonly (Info | null)[];
}

export interface BlockStep {
  readonly observations: Batch;
  readonly rewards: Float64Array;
  readonly terminations: readonly boolean[];
  readonly truncations: readonly boolean[];
  readonly infos: readonly Info[];
  /** With SameStep: what the episodes ended with that this step ended. */
  readonly finals: readonly Final[];
}

export interface BlockResetOptions {
  /** One for each sub-environment; null where its generator goes on. */
  readonly seeds: readonly (number | null)[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Which to reset; null for all. */
  readonly mask: readonly boolean[] | null;
}

export class SubEnvironments {
  readonly #envs: readonly Env[];
  readonly #mode: AutoresetMode;
  readonly #spaces: { readonly observation: Batches; readonly action: Batches };
  /** What each was last seen in. */
  readonly #observations: Batch;
  /** Whose episode is over, and that were not reset since. */
  #ended: boolean[];
  #fresh = true;

  /** Takes over `envs`, at least one, all of the same spaces. Throws `unsupported_space` where those do not batch. */
  constructor(envs: readonly Env[], mode: AutoresetMode) {
    this.#envs = envs;
    this.#mode = mode;
    this.#spaces = {
      observation: new Batches(this.first.observationSpace.toDocument()),
      action: new Batches(this.first.actionSpace.toDocument()),
    };
    this.#observations = this.#spaces.observation.empty(envs.length);
    this.#ended = envs.map(() => false);
  }

  /** Stands for all where they are alike. */
  get first(): Env {
    return this.#envs[0] as Env;
  }

  /** The one at `index`, from 0. */
  at(index: number): Env {
    return this.#envs[index] as Env;
  }

  /** Whether they were never reset. */
  get fresh(): boolean {
    return this.#fresh;
  }

  /** Whose episode is over, and that were not reset since. */
  get ended(): readonly boolean[] {
    return this.#ended;
  }

  get count(): number {
    return this.#envs.length;
  }

  get observationSpace(): SpaceOf<Value> {
    return this.first.observationSpace;
  }

  get actionSpace(): SpaceOf<Value> {
    return this.first.actionSpace;
  }

  /** Throws `invalid_request` for a mask before the first reset, or what the environments do not take. */
  reset({ seeds, options, mask }: BlockResetOptions): BlockReset {
    if (this.#fresh) requireAll(mask);
    const infos = this.#envs.map((env, i) => {
      if (mask !== null && mask[i] !== true) return null;
      const seed = seeds[i] ?? null;
      const { observation, info } = env.reset({ ...(seed !== null && { seed }), options });
      this.#spaces.observation.write(this.#observations, i, observation);
      this.#ended[i] = false;
      return info;
    });
    this.#fresh = false;
    return { observations: this.#observations.slice(), infos };
  }

  /** Throws `reset_required` before the first reset, and with Disabled where an episode is over; then none has stepped. */
  step(actions: Batch): BlockStep {
    if (this.#fresh) throw new DomainError('reset_required', 'The environments have not been reset yet; call reset.');
    if (this.#mode === 'Disabled') requireRunning(this.#ended);
    const { observation: observations, action } = this.#spaces;
    const rewards = new Float64Array(this.count);
    const terminations = this.#envs.map(() => false);
    const truncations = this.#envs.map(() => false);
    const finals: Final[] = [];
    const infos = this.#envs.map((env, i) => {
      if (this.#ended[i] === true && this.#mode === 'NextStep') return this.#restart(env, i);
      const result = env.step(action.read(actions, i));
      rewards[i] = result.reward;
      terminations[i] = result.terminated;
      truncations[i] = result.truncated;
      const ended = result.terminated || result.truncated;
      if (ended && this.#mode === 'SameStep') {
        finals.push({ index: i, observation: result.observation, info: result.info });
        return this.#restart(env, i);
      }
      this.#ended[i] = ended;
      observations.write(this.#observations, i, result.observation);
      return result.info;
    });
    return { observations: this.#observations.slice(), rewards, terminations, truncations, infos, finals };
  }

  getState(): Tensors {
    const data = this.#observations.slice();
    return {
      ...Object.assign({}, ...this.#envs.map((env, i) => nest(`envs/${i}`, env.getState()))),
      observations: vector(data),
      ended: vector(Uint8Array.from(this.#ended, Number)),
      fresh: vector(Uint8Array.of(Number(this.#fresh))),
    };
  }

  /** Throws `checkpoint_incompatible` where `state` is not a snapshot of as many such environments. */
  setState(state: Tensors): void {
    restoring(`a vector of ${this.count} ${this.first.spec.id}`, () => {
      const type = this.#observations.constructor as new (length: number) => Batch;
      const observations = takeVector(state, 'observations', type, this.#observations.length);
      const ended = takeVector(state, 'ended', Uint8Array, this.count);
      const [fresh] = takeVector(state, 'fresh', Uint8Array, 1) as unknown as [number];
      if (fresh > 1 || ended.some((flag) => flag > 1))
        throw new RangeError('One of "fresh" and "ended" is neither 0 nor 1.');
      for (const [i, env] of this.#envs.entries()) env.setState(under(`envs/${i}`, state));
      this.#observations.set(observations);
      this.#ended = Array.from(ended, (flag) => flag !== 0);
      this.#fresh = fresh !== 0;
    });
  }

  close(): void {
    for (const env of this.#envs) env.close();
  }

  /** The next episode, from where the generator stands. */
  #restart(env: Env, index: number): Info {
    const { observation, info } = env.reset();
    this.#spaces.observation.write(this.#observations, index, observation);
    this.#ended[index] = false;
    return info;
  }
}

/** Throws `invalid_request` for a mask that leaves any out: a first reset takes all. */
export function requireAll(mask: readonly boolean[] | null): void {
  if (!mask?.includes(false)) return;
  throw new DomainError(
    'invalid_request',
    'The first reset is of all sub-environments, since none of them has an observation yet; leave reset_mask out.',
  );
}

/** Throws `reset_required` naming those of mode Disabled that a step must wait for. */
export function requireRunning(ended: readonly boolean[]): void {
  const waiting = ended.flatMap((over, i) => (over ? [i] : []));
  if (waiting.length === 0) return;
  const more = waiting.length > 10 ? ` and ${waiting.length - 10} more` : '';
  throw new DomainError(
    'reset_required',
    `With autoreset_mode Disabled, reset what has ended before the next step: sub-environments ${waiting.slice(0, 10).join(', ')}${more}. Send reset a reset_mask that is true for them.`,
  );
}
