// What an algorithm is to the loops that train it. One folder per algorithm under algorithms/.
import type * as tf from '@tensorflow/tfjs-core';
import type { Engine } from '../compute/engine.ts';
import type { BoxDocument, DiscreteDocument, SpaceDocument } from '../envs/spaces/space.ts';
import type { TabularModel } from '../envs/tabular-model.ts';
import type { Pcg64 } from '../math/pcg64.ts';
import type { Tensor, Tensors } from '../math/tensor.ts';
import type { Shapes } from './nn/mlp.ts';

/**
 * The spaces of an agent. Inside of it actions live in [−1, 1] where the space is a Box, and are indices from 0 where it is
 * Discrete; `ActionCodec` maps them to the space once. Observations are numbers, of a Discrete space one.
 */
export interface AgentSpaces {
  readonly observation: SpaceDocument;
  readonly action: SpaceDocument;
}

export interface BoxSpaces extends AgentSpaces {
  readonly observation: BoxDocument;
  readonly action: BoxDocument;
}

export interface DiscreteSpaces extends AgentSpaces {
  readonly observation: DiscreteDocument;
  readonly action: DiscreteDocument;
}

/** Everything that is fixed before training starts, every default resolved. */
export type Hyperparameters = Readonly<
  Record<string, number | string | boolean | null | readonly number[] | readonly (readonly number[])[]>
>;

/** What `checkSpaces` returns is what all other methods take: an algorithm may narrow it. */
interface AnyAlgorithm {
  readonly name: string;
  readonly summary: string;
  /** JSON Schema of the hyperparameters with defaults and descriptions: the catalogue, the validation and the documentation. */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** `given` with every default filled in, those known for `specId` first. Throws `invalid_hyperparameter` naming the field, the value and the range. */
  resolve(given: Readonly<Record<string, unknown>>, specId: string | null): Hyperparameters;
  /** Throws `unsupported_space` where the algorithm cannot act in these spaces. */
  checkSpaces(observation: SpaceDocument, action: SpaceDocument): AgentSpaces;
  /** Fresh parameters and optimiser state: a pure function of its arguments. */
  initialize(hyperparameters: Hyperparameters, spaces: AgentSpaces, rng: Pcg64): Tensors;
  /** Compiles only what acting needs. */
  createPolicy(setup: PolicySetup): Promise<Policy>;
  /** What `Policy.act` computes where it is deterministic, to be traced into a program that leaves this server. */
  meanPolicy(hyperparameters: Hyperparameters, spaces: AgentSpaces): MeanPolicy;
  /** What training takes at most, in bytes; `loose` is what the replay takes beside that where no transition follows the one before, `mirror` the copy of the replay, where that is placed on a device. */
  memoryBytes(
    hyperparameters: Hyperparameters,
    spaces: AgentSpaces,
    numEnvs: number,
  ): { readonly replay: number; readonly loose?: number; readonly mirror?: number; readonly parameters: number };
}

/** Learns from the steps it takes in environments. */
export interface InteractiveAlgorithm extends AnyAlgorithm {
  readonly kind: 'interactive';
  /** Compiles what training needs and loads `state` (of `initialize` or of `Learner.getState`). */
  createLearner(setup: LearnerSetup): Promise<Learner>;
  /**
   * What learning from transitions needs: how many the replay holds, and how many an update draws. Throws
   * `transitions_unsupported` where the settings ask for more than a transition says.
   */
  looseReplay(hyperparameters: Hyperparameters): { readonly capacity: number; readonly batchSize: number };
}

/** Plans on what the environment tells of itself, and takes no step. */
export interface PlanningAlgorithm extends AnyAlgorithm {
  readonly kind: 'planning';
  /** Loads `state` (of `initialize` or of `Planner.getState`). */
  createPlanner(setup: PlannerSetup): Planner;
}

export type Algorithm = InteractiveAlgorithm | PlanningAlgorithm;

/** Where updates take transitions from: arrays that are filled for each, or a copy of the replay that stays where the engine computes. */
export type ReplayPlacement = 'host' | 'device';

export interface LearnerSetup<S extends AgentSpaces = AgentSpaces> {
  readonly hyperparameters: Hyperparameters;
  readonly spaces: S;
  readonly engine: Engine;
  readonly threads: number;
  /** Environments that this run steps at once: the lanes of `explore` and `observe`. */
  readonly numEnvs: number;
  /** `host` where absent; `device` on engines of `KEEPS_TABLES` only. */
  readonly replayPlacement?: ReplayPlacement;
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
  /** Actions [lanes, action] to explore with now (random during warm-up), in [−1, 1], for observations [lanes, observation]; valid until the next call. */
  explore(observations: Float32Array | Float64Array): Promise<Float32Array>;
  /** Takes in one transition of each lane, in order. */
  observe(transitions: readonly Transition[]): void;
  /** Takes in a transition that need not follow the one before. Makes no gradient step due: whoever brings it says how many there are to be. */
  absorb(transition: Transition): void;
  /** Gradient steps due after the last transitions (0 during warm-up). */
  updatesDue(): number;
  /** A gradient step, or several in one call where as many are due; gives how many. Throws `non_finite` naming the loss. */
  update(): Promise<number>;
  /** Means since the last call of what the updates measured (`loss/critic`, `alpha`, …), and counters. Empty where no update ran. */
  takeMetrics(): Readonly<Record<string, number>>;
  /** The policy as it is now, for acting and evaluation beside training. */
  policyState(): Tensors;
  /** Parameters and optimiser state, as `initialize` names them. */
  getState(): Tensors;
  /** What exact resume needs beside `getState`: replay with its cursor, RNG streams. */
  getExperience(): Experience;
  /** `experience` holds the tensors and the segments of `getExperience`, by their names. */
  setExperience(experience: Tensors): void;
  dispose(): Promise<void>;
}

/** What is small, and what is large and mostly as it was at the last checkpoint. */
export interface Experience {
  readonly tensors: Tensors;
  readonly segments: readonly Segment[];
}

/** A part of a large state that is saved again only where its version has moved. */
export interface Segment {
  readonly name: string;
  /** A view: to be written before the next transition. */
  readonly tensor: Tensor;
  readonly version: number;
}

export interface PlannerSetup {
  readonly hyperparameters: Hyperparameters;
  readonly model: TabularModel;
  /** Of `initialize` or of `Planner.getState`. */
  readonly state: Tensors;
}

/** An agent that plans. It draws no random numbers, and has no experience beside its state. */
export interface Planner {
  /** What decides the bits of an iteration beside its numbers. */
  readonly engineIdentity: string;
  /** One iteration. Null, and nothing has happened, where `shouldStop`, asked now and then, says so. Throws `non_finite`. */
  iterate(shouldStop: () => boolean): PlanningStep | null;
  /** The policy as it is now, for acting and evaluation beside planning. */
  policyState(): Tensors;
  /** All that the next iteration reads, as `initialize` names it. */
  getState(): Tensors;
}

/** What one iteration did. */
export interface PlanningStep {
  readonly metrics: Readonly<Record<string, number>>;
  /** Whether another iteration would leave the policy as it is. */
  readonly isConverged: boolean;
}

export interface PolicySetup<S extends AgentSpaces = AgentSpaces> {
  readonly hyperparameters: Hyperparameters;
  readonly spaces: S;
  readonly engine: Engine;
  /** `Learner.policyState` or `Planner.policyState`, or the whole state of `initialize`. */
  readonly state: Tensors;
}

/** A policy that acts. Its actions are the agent's own, see `AgentSpaces`. */
export interface Policy {
  /** Actions [n, action] for observations [n, observation] in C order; the mean action (of a Discrete space the likeliest) where `deterministic`, else drawn with `rng`. */
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
  /** Those of `policyState` that it reads. */
  readonly parameters: Shapes;
  /** Actions [batch, action] of the agent's own for observations [batch, observation], the same for a row whatever the batch. */
  act(parameters: ReadonlyMap<string, tf.Tensor>, observation: tf.Tensor): tf.Tensor;
}
