// The losses of SAC, each beside its equation. Pure tfjs; tensors are [batch, 1] unless said.
// Sources: Haarnoja et al. 2018, arXiv:1801.01290 ("2018"); Haarnoja et al. 2019, arXiv:1812.05905 ("2019").
import * as tf from '@tensorflow/tfjs-core';

/**
 * The critics' common target (2019, eq. 2 and 3, with the smaller of two target critics):
 *
 *   y = scale·r + γ(1 − terminated)(min_i Qθ̄i(s′, a′) − α log π(a′|s′)),   a′ ~ π(·|s′)
 *
 * `terminated` alone ends the future: a truncated episode has a value to bootstrap from.
 */
export function softTarget(sample: {
  readonly reward: tf.Tensor;
  /** 1 where the episode terminated, else 0. */
  readonly terminated: tf.Tensor;
  /** min_i Qθ̄i(s′, a′). */
  readonly nextQ: tf.Tensor;
  readonly nextLogProbability: tf.Tensor;
  /** α, a scalar. */
  readonly alpha: tf.Tensor;
  readonly rewardScale: number;
  readonly discount: number;
}): tf.Tensor {
  const value = tf.sub(sample.nextQ, tf.mul(sample.alpha, sample.nextLogProbability));
  const continues = tf.mul(tf.sub(1, sample.terminated), sample.discount);
  return tf.add(tf.mul(sample.reward, sample.rewardScale), tf.mul(continues, value));
}

/** J_Q = Σ_i E[½(Qθi(s, a) − y)²]  (2019, eq. 5; each critic regresses on the same y). */
export function criticLoss(q1: tf.Tensor, q2: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const squares = tf.add(tf.square(tf.sub(q1, y)), tf.square(tf.sub(q2, y)));
  return tf.mul(tf.mean(squares), 0.5);
}

/** J_π = E[α log π(ã|s) − min_i Qθi(s, ã)], ã ~ π(·|s) reparameterised  (2019, eq. 7). `q` is the minimum. */
export function policyLoss(alpha: tf.Tensor, logProbability: tf.Tensor, q: tf.Tensor): tf.Tensor {
  return tf.mean(tf.sub(tf.mul(alpha, logProbability), q));
}

/**
 * J(α) = −log α · E[log π(ã|s) + H̄]  (2019, eq. 18, with log α in the place of α, as the authors' code has it:
 * https://github.com/rail-berkeley/softlearning). H̄ is the target entropy.
 */
export function temperatureLoss(logAlpha: tf.Tensor, logProbability: tf.Tensor, targetEntropy: number): tf.Tensor {
  return tf.neg(tf.mul(logAlpha, tf.add(tf.mean(logProbability), targetEntropy)));
}
