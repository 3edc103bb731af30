// Wrappers that write into a MuJoCo model: what they share. Each of them is one file beside this one.
import { DomainError } from '../../errors.ts';
import { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { FreeKwarg, Range } from '../kwargs.ts';
import { MujocoEnv } from '../mujoco/mujoco-env.ts';
import type { EditableModel, NamedKind, Simulation } from '../mujoco/simulation.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import type { Value } from '../spaces/space.ts';
import { drawAmount, wrapperStream } from './amount.ts';
import type { WrapperContext } from './wrapper.ts';

/** Draws one number per episode and lets `edit` write it into the model, which other environments do not share. */
export class ModelPerturbation implements Env {
  readonly #env: Env;
  readonly #infoKey: string;
  readonly #range: Range;
  readonly #place: number;
  readonly #refresh: () => void;
  #rng = Pcg64.fromEntropy();
  #amount: number;

  constructor(
    env: Env,
    perturbed: {
      readonly simulation: Simulation;
      readonly place: number;
      readonly range: Range;
      /** Under which name the info of reset says what was drawn. */
      readonly infoKey: string;
      /** Changes a model as it was compiled, or as the perturbations inside of this one left it. */
      readonly edit: (model: EditableModel, amount: number) => void;
    },
  ) {
    this.#env = env;
    this.#infoKey = perturbed.infoKey;
    this.#range = perturbed.range;
    this.#place = perturbed.place;
    this.#amount = perturbed.range[0];
    this.#refresh = perturbed.simulation.addEdit((model) => perturbed.edit(model, this.#amount));
  }

  get spec() {
    return this.#env.spec;
  }

  get observationSpace() {
    return this.#env.observationSpace;
  }

  get actionSpace() {
    return this.#env.actionSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    // The model has to be changed before the episode begins, and to be as it was if it does not: a copy draws.
    const rng = wrapperStream(Pcg64.fromState(this.#rng.getState()), options?.seed, this.#place);
    const amount = drawAmount(rng, this.#range);
    const result = this.#with(amount, () => this.#env.reset(options));
    this.#rng = rng;
    return { ...result, info: { ...result.info, [this.#infoKey]: amount } };
  }

  step(action: Value): StepResult {
    return this.#env.step(action);
  }

  getState(): Tensors {
    return {
      ...nest('env', this.#env.getState()),
      ...nest('rng', this.#rng.getState()),
      amount: vector(Float64Array.of(this.#amount)),
    };
  }

  setState(state: Tensors): void {
    restoring(this.spec.id, () => {
      const rng = Pcg64.fromState(under('rng', state));
      const [amount] = takeVector(state, 'amount', Float64Array, 1) as unknown as [number];
      const [low, high] = this.#range;
      if (!(amount >= low && amount <= high)) throw new RangeError(`amount is ${amount}, not from ${low} to ${high}.`);
      this.#with(amount, () => this.#env.setState(under('env', state)));
      this.#rng = rng;
    });
  }

  render(options?: RenderOptions): Image {
    return this.#env.render(options);
  }

  close(): void {
    this.#env.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Runs `begin`, which the new amount is for; the old one comes back where it fails. */
  #with<T>(amount: number, begin: () => T): T {
    const before = this.#amount;
    this.#amount = amount;
    this.#refresh();
    try {
      return begin();
    } catch (error) {
      this.#amount = before;
      throw error;
    }
  }
}

/** The simulation inside of `env`. Throws `invalid_wrapper` where it is no MuJoCo environment. */
export function simulationOf(name: string, env: Env, { bare }: WrapperContext): Simulation {
  if (bare instanceof MujocoEnv) return bare.simulation;
  throw new DomainError(
    'invalid_wrapper',
    `${name} changes a MuJoCo model, and ${env.spec.id} has none. Leave the wrapper out, or choose a MuJoCo environment such as HalfCheetah-v5.`,
  );
}

/** Which of the model's parts: names, or numbers as MuJoCo counts them. Empty: all that the wrapper is meant for. */
type Parts = readonly (string | number)[];

export function partsKwarg(description: string): FreeKwarg<Parts> {
  return {
    type: 'free',
    schema: { type: 'array', items: { type: ['string', 'integer'] } },
    default: [],
    description,
    read: (value) => (Array.isArray(value) && value.every(isPart) ? value : undefined),
    wanted: 'a list of names or of numbers',
  };
}

export function partKwarg(part: string | number, description: string): FreeKwarg<string | number> {
  return {
    type: 'free',
    schema: { type: ['string', 'integer'] },
    default: part,
    description,
    read: (value) => (isPart(value) ? value : undefined),
    wanted: 'a name or a number',
  };
}

const isPart = (part: unknown): part is string | number =>
  typeof part === 'string' || (Number.isSafeInteger(part) && (part as number) >= 0);

/** The numbers of `parts` in the model, each once. Throws `invalid_kwargs` naming those that it has. */
export function numbersOf(name: string, simulation: Simulation, kind: NamedKind, parts: Parts): number[] {
  const names = simulation.names(kind);
  const ids = parts.map((part) => {
    const id = typeof part === 'number' ? part : names.indexOf(part);
    if (id >= 0 && id < names.length) return id;
    const known = names.filter((known) => known !== '').join(', ');
    throw new DomainError(
      'invalid_kwargs',
      `${name}: the model has no ${kind} ${JSON.stringify(part)}. It has ${names.length}, numbered from 0; those with names: ${known || 'none'}.`,
    );
  });
  return [...new Set(ids)];
}
