// SAC's networks and the names of their parameters: an actor with a Gaussian head, two critics, two targets.
import * as tf from '@tensorflow/tfjs-core';
import type { Pcg64 } from '../../../math/pcg64.ts';
import { nest, type Tensors } from '../../../math/tensor.ts';
import { initializeMlp, mlp, mlpShapes } from '../../nn/mlp.ts';
import { type Pack, pack } from '../../nn/packing.ts';
import { type GaussianHead, gaussianHead } from '../../nn/squashed-gaussian.ts';

/** Widths: of an observation, of an action, of the hidden layers. */
export interface Sizes {
  readonly observation: number;
  readonly action: number;
  readonly hidden: readonly number[];
}

export const CRITICS = ['critic1', 'critic2'] as const;
export const TARGETS = ['target1', 'target2'] as const;
type CriticName = (typeof CRITICS)[number] | (typeof TARGETS)[number];

const actorSizes = (sizes: Sizes): number[] => [sizes.observation, ...sizes.hidden, 2 * sizes.action];
const criticSizes = (sizes: Sizes): number[] => [sizes.observation + sizes.action, ...sizes.hidden, 1];

export const actorPacks = (sizes: Sizes): readonly Pack[] => pack('actor', mlpShapes(actorSizes(sizes)));

export const criticPacks = (sizes: Sizes, name: CriticName): readonly Pack[] =>
  pack(name, mlpShapes(criticSizes(sizes)));

/** `actor/0/kernel`, `actor/0/bias`, … */
export const initializeActor = (sizes: Sizes, rng: Pcg64): Tensors =>
  nest('actor', initializeMlp(actorSizes(sizes), rng));

/** `critic1/0/kernel`, … One call a critic, of one stream: the two start different, which is what makes their minimum worth taking. */
export const initializeCritic = (sizes: Sizes, name: CriticName, rng: Pcg64): Tensors =>
  nest(name, initializeMlp(criticSizes(sizes), rng));

/** Named parameters of every network, as tensors of the program. */
export type Parameters = ReadonlyMap<string, tf.Tensor>;

/** μ and log σ for observations [batch, observation]. */
export const policyHead = (parameters: Parameters, observation: tf.Tensor): GaussianHead =>
  gaussianHead(mlp(parameters, 'actor', observation));

/** Q1 and Q2 [batch, 1] of the critics named, for observations and actions. */
export function qValues(
  parameters: Parameters,
  names: readonly [CriticName, CriticName],
  observation: tf.Tensor,
  action: tf.Tensor,
): readonly [tf.Tensor, tf.Tensor] {
  const x = tf.concat([observation, action], 1);
  return [mlp(parameters, names[0], x), mlp(parameters, names[1], x)];
}
