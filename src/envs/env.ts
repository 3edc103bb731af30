// What an environment is: Gymnasium's contract, plus an exact snapshot. Environments know nothing of HTTP, workers or agents.
import type { Tensors } from '../math/tensor.ts';
import type { Image } from './render/image.ts';
import type { RenderOptions } from './render/options.ts';
import type { SpaceDocument, SpaceOf, Value } from './spaces/space.ts';

/** Extra facts about a step, JSON-able: numbers, strings, booleans, arrays of numbers, or numbers by name. */
export type Info = Readonly<
  Record<string, number | string | boolean | readonly number[] | Readonly<Record<string, number>>>
>;

export interface ResetOptions {
  /** Reseeds the environment's generator as Gymnasium does; without it the generator goes on. A non-negative integer. */
  readonly seed?: number;
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface ResetResult {
  readonly observation: Value;
  readonly info: Info;
}

export interface StepResult {
  readonly observation: Value;
  readonly reward: number;
  /** The Markov decision process ended: its future value is zero. */
  readonly terminated: boolean;
  /** The episode was cut short (a time limit): its future value is not zero. */
  readonly truncated: boolean;
  readonly info: Info;
}

export interface Env {
  readonly spec: EnvSpec;
  readonly observationSpace: SpaceOf<Value>;
  readonly actionSpace: SpaceOf<Value>;
  /** Begins an episode. The observation is a fresh array that the caller may keep. */
  reset(options?: ResetOptions): ResetResult;
  /** One transition. `action` is an element of `actionSpace`. The observation is a fresh array that the caller may keep. */
  step(action: Value): StepResult;
  /** Everything the next step or reset reads: restoring it and stepping gives the same bytes. */
  getState(): Tensors;
  setState(state: Tensors): void;
  /** A picture of the state, Gymnasium's `rgb_array`. Looking changes nothing. Throws `invalid_request`. A wrapper passes it on. */
  render(options?: RenderOptions): Image;
  /** Frees what the environment holds; closing twice is harmless. */
  close(): void;
  [Symbol.dispose](): void;
}

/** A registered environment: what the catalogue shows and how one is made. */
export interface EnvSpec {
  /** Gymnasium's id, such as `HalfCheetah-v5`. */
  readonly id: string;
  readonly summary: string;
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  /** After so many steps an episode is truncated; null where Gymnasium sets no limit. */
  readonly maxEpisodeSteps: number | null;
  /** The mean return at which the task counts as solved; null where Gymnasium names none. */
  readonly rewardThreshold: number | null;
  /** JSON Schema of the keyword arguments, each with its default. */
  readonly kwargsSchema: Readonly<Record<string, unknown>>;
  /** Whether a picture comes with the state as text, Gymnasium's `ansi`; not where absent. */
  readonly hasText?: boolean;
}

/** Gymnasium's, but for its windows (`human`). */
export type RenderMode = 'rgb_array' | 'ansi';

/** The usual one first. */
export function renderModesOf({ hasText = false }: EnvSpec): readonly [RenderMode, ...RenderMode[]] {
  return hasText ? ['rgb_array', 'ansi'] : ['rgb_array'];
}
