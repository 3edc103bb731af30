// Networks of two hidden layers and the tanh-Gaussian policy, as plain tfjs; what the programs of this folder share.
import * as tf from '@tensorflow/tfjs-core';
import type { Shapes } from '../../../src/compute/trace/trace.ts';
import type { Tensors } from './program.ts';

/** Parameters of `name`: inputs → hidden → hidden → outputs. */
export const layers = (name: string, inputs: number, hidden: number, outputs: number): Shapes => ({
  [`${name}/w0`]: [inputs, hidden],
  [`${name}/b0`]: [hidden],
  [`${name}/w1`]: [hidden, hidden],
  [`${name}/b1`]: [hidden],
  [`${name}/w2`]: [hidden, outputs],
  [`${name}/b2`]: [outputs],
});

export const namesOf = (...shapes: readonly Shapes[]): string[] => shapes.flatMap((one) => Object.keys(one));

/** Which target follows which parameter: those of `target` those of `network`. */
export const follows = (target: string, network: string): Readonly<Record<string, string>> =>
  Object.fromEntries(['w0', 'b0', 'w1', 'b1', 'w2', 'b2'].map((name) => [`${target}/${name}`, `${network}/${name}`]));

/** The network `name` on rows of features; x may have leading dimensions. */
export function network(
  parameters: Tensors,
  name: string,
  x: tf.Tensor,
  activation: (x: tf.Tensor) => tf.Tensor = tf.relu,
): tf.Tensor {
  const of = (part: string): tf.Tensor => parameters[`${name}/${part}`] as tf.Tensor;
  const first = activation(tf.add(tf.matMul(x, of('w0')), of('b0')));
  const second = activation(tf.add(tf.matMul(first, of('w1')), of('b1')));
  return tf.add(tf.matMul(second, of('w2')), of('b2'));
}

/** Q(s, a): [batch, 1]. */
export const critic = (parameters: Tensors, name: string, observation: tf.Tensor, action: tf.Tensor): tf.Tensor =>
  network(parameters, name, tf.concat([observation, action], -1));

/** a = tanh(μ + σε) with its log-probability, [batch, 1]: Haarnoja et al. 2018, arXiv:1801.01290, appendix C. */
export function squashedGaussian(
  parameters: Tensors,
  name: string,
  observation: tf.Tensor,
  noise: tf.Tensor,
): { readonly action: tf.Tensor; readonly logProbability: tf.Tensor } {
  const [mean, rawLogStd] = tf.split(network(parameters, name, observation), 2, 1) as [tf.Tensor, tf.Tensor];
  const logStd = tf.clipByValue(rawLogStd, -5, 2);
  const raw = tf.add(mean, tf.mul(tf.exp(logStd), noise));
  const gaussian = tf.neg(tf.add(tf.add(tf.mul(0.5, tf.square(noise)), logStd), 0.5 * Math.log(2 * Math.PI)));
  // log(1 − tanh²u) = 2(log 2 − u − softplus(−2u))
  const squash = tf.mul(2, tf.sub(Math.LN2, tf.add(raw, tf.softplus(tf.mul(raw, -2)))));
  return { action: tf.tanh(raw), logProbability: tf.sum(tf.sub(gaussian, squash), 1, true) };
}

/** E[(a − b)²]. */
export const meanSquare = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.mean(tf.square(tf.sub(a, b)));

/** r + γ(1 − terminated)·v′. */
export const bootstrapped = (inputs: Tensors, nextValue: tf.Tensor, discount = 0.99): tf.Tensor =>
  tf.add(
    inputs['reward'] as tf.Tensor,
    tf.mul(tf.mul(tf.sub(1, inputs['terminated'] as tf.Tensor), discount), nextValue),
  );
