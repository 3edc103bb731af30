// What a learning algorithm is to the training loop. One folder per algorithm under algorithms/.
import type * as tf from '@tensorflow/tfjs-core';
import type { Engine } from '../compute/engine.ts';
import type { BoxDocument, SpaceDocument } from '../envs/spaces/space.ts';
import type { Pcg64 } from '../math/pcg64.ts';
import type { Tensors } from '../math/tensor.ts';
import type { Shapes } from './nn/mlp.ts';

/** Flat sizes an algorithm works with. Inside an agent actions live in [−1, 1]; `ActionScale` maps them to the Box once. */
export interface AgentSpaces {
  readonly observation: BoxDocument;
  readonly action: BoxDocument;
}

/** Everything that is fixed before training starts, every default resolved. */
export type Hyperparameters = Readonly<Record<string, number | string | boolean | null | readonly number[]>>;

export interface Algorithm {
  readonly name: string;
  readonly summary: string;
  /** JSON Schema of the hyperparameters with defaults and descriptions: the catalogue, the validation and the documentation. */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** `given` with every default filled in. Throws `invalid_hyperparameter` naming the field, the value and the range. */
  resolve(given: Readonly<Record<string, unknown>>): Hyperparameters;
  /** Throws `unsupported_space` where the algorithm cannot act in these spaces. */
  checkSpaces(observation: SpaceDocument, action: SpaceDocument): AgentSpaces;
  /** Fresh parameters and optimiser state: a pure function of its arguments. */
  initialize(hyperparameters: Hyperparameters, spaces: AgentSpaces, rng: Pcg64): Tensors;
  /** Compiles what training needs and loads `state` (of `initialize` or of `Learner.getState`). */
  createLearner(setup: LearnerSetup): Promise<Learner>;
  /** Compiles only what acting needs. */
  createPolicy(setup: PolicySetup): Promise<Policy>;
  /** What `Policy.act` computes where it is deterministic, to be traced into a program that leaves this server. */
  meanPolicy(hyperparameters: Hyperparameters, spaces: AgentSpaces): MeanPolicy;
}

export interface LearnerSetup {
  readonly hyperparameters: Hyperparameters;
  readonly spaces: AgentSpaces;
  readonly engine: Engine;
  readonly threads: number;
  /** The learner's own stream (exploration, update noise, replay indices). */
  readonly rng: Pcg64;
  /** Parameters and optimiser state. */
  readonly state: Tensors;
}

/** One experience. Arrays are copied by the learner. `action` is in [−1, 1]. */
export interface Transition {
  readonly observation: Float32Array | Float64Array;
  readonly action: Float32Array;
  readonly reward: number;
  readonly nextObservation: Float32Array | Float64Array;
  readonly terminated: boolean;
  readonly truncated: boolean;
}

/** An agent that learns. */
export interface Learner {
  /** What decides the bits of an update beside its numbers: the engine, what it compiled, for what processor. */
  readonly engineIdentity: string;
  /** The action to explore with now (random during warm-up), in [−1, 1]; valid until the next call. */
  explore(observation: Float32Array | Float64Array): Promise<Float32Array>;
  /** Takes in one transition. */
  observe(transition: Transition): void;
  /** Gradient steps due after the last transition (0 during warm-up). */
  updatesDue(): number;
  /** One gradient step. Throws `non_finite` naming the loss. */
  update(): Promise<void>;
  /** Means since the last call of what the updates measured (`loss/critic`, `alpha`, …), and counters. Empty where no update ran. */
  takeMetrics(): Readonly<Record<string, number>>;
  /** The policy as it is now, for acting and evaluation beside training. */
  policyState(): Tensors;
  /** Parameters and optimiser state, as `initialize` names them. */
  getState(): Tensors;
  /** Replay contents with cursor, and RNG streams: what exact resume needs beside `getState`. */
  getExperience(): Tensors;
  setExperience(experience: Tensors): void;
  dispose(): Promise<void>;
}

export interface PolicySetup {
  readonly hyperparameters: Hyperparameters;
  readonly spaces: AgentSpaces;
  readonly engine: Engine;
  /** `Learner.policyState`, or the whole state of `initialize`. */
  readonly state: Tensors;
}

/** A policy that acts. Actions are in [−1, 1]. */
export interface Policy {
  /** Actions [n, action] for observations [n, observation] in C order; the mean action where `deterministic`, else drawn with `rng`. */
  act(
    observations: Float32Array | Float64Array,
    options: { readonly deterministic: true } | { readonly deterministic: false; readonly rng: Pcg64 },
  ): Promise<Float32Array>;
  /** New parameters, same shapes. */
  setState(state: Tensors): void;
  dispose(): Promise<void>;
}

/** A policy without its noise, in plain tfjs. */
export interface MeanPolicy {
  /** Those of `Learner.policyState` that it reads. */
  readonly parameters: Shapes;
  /** Actions [batch, action] in [−1, 1] for observations [batch, observation], the same for a row whatever the batch. */
  act(parameters: ReadonlyMap<string, tf.Tensor>, observation: tf.Tensor): tf.Tensor;
}
