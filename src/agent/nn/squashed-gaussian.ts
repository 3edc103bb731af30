// A Gaussian squashed by tanh onto (−1, 1), reparameterised. SAC 2019 (arXiv:1812.05905), appendix C.
import * as tf from '@tensorflow/tfjs-core';

/** Bounds of log σ: the code of arXiv:1801.01290. */
const LOG_STD_MIN = -20;
const LOG_STD_MAX = 2;
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

export interface GaussianHead {
  /** μ [batch, action]. */
  readonly mean: tf.Tensor;
  /** log σ [batch, action], clamped. */
  readonly logStd: tf.Tensor;
}

/** Splits a network's output [batch, 2·action] into μ and log σ ∈ [−20, 2]. */
export function gaussianHead(output: tf.Tensor): GaussianHead {
  const [batch, width] = output.shape as [number, number];
  const action = width / 2;
  return {
    mean: tf.slice(output, [0, 0], [batch, action]),
    logStd: tf.clipByValue(tf.slice(output, [0, action], [batch, action]), LOG_STD_MIN, LOG_STD_MAX),
  };
}

/** u = μ + σ·ε, before squashing. */
const preSquash = ({ mean, logStd }: GaussianHead, noise: tf.Tensor): tf.Tensor =>
  tf.add(mean, tf.mul(tf.exp(logStd), noise));

/** a = tanh(μ + σ·ε) [batch, action]; with ε = 0 `meanAction`. */
export const squashedAction = (head: GaussianHead, noise: tf.Tensor): tf.Tensor => tf.tanh(preSquash(head, noise));

/** tanh(μ) [batch, action]: the mean action. */
export const meanAction = ({ mean }: GaussianHead): tf.Tensor => tf.tanh(mean);

/**
 * log π(a) [batch, 1] of a = tanh(u), u = μ + σ·ε:
 *
 *   log π = Σ [−½ε² − log σ − ½ log 2π − 2(log 2 − u − softplus(−2u))]
 *
 * The last term is log(1 − tanh²u) written so that it does not saturate (log(1 − a² + 1e-6) does).
 */
export function logProbability(head: GaussianHead, noise: tf.Tensor): tf.Tensor {
  const u = preSquash(head, noise);
  const gaussian = tf.sub(tf.mul(tf.square(noise), -0.5), head.logStd);
  // −2(log 2 − u − softplus(−2u)) − ½ log 2π, its constants gathered.
  const squash = tf.add(tf.mul(tf.add(u, tf.softplus(tf.mul(u, -2))), 2), -2 * Math.LN2 - HALF_LOG_TWO_PI);
  return tf.sum(tf.add(gaussian, squash), 1, true);
}
