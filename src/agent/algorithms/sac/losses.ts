// The losses of SAC, each beside its equation. Pure tfjs; tensors are [batch, 1] unless said.
// Sources: Haarnoja et al. 2018, arXiv:1801.01290 ("2018"); Haarnoja et al. 2019, arXiv:1812.05905 ("2019").
import * as tf from '@tensorflow/tfjs-core';

/** V(s) = min_i Qi(s, a) − α log π(a|s) for a drawn a  (2018, eq. 3; 2019, eq. 3). `q` is the minimum, α a scalar. */
export function softValue(q: tf.Tensor, alpha: tf.Tensor, logProbability: tf.Tensor): tf.Tensor {
  return tf.sub(q, tf.mul(alpha, logProbability));
}

/**
 * What the critics regress on  (2018, eq. 8, with Vψ̄; 2019, eq. 2 and 3, with min_i Qθ̄i(s′, a′) − α log π(a′|s′)):
 *
 *   y = R + Γ·V(s′)
 *
 * R is the reward, scaled, and Γ = γ(1 − terminated); with n-step returns R = Σ γᵏ·rₖ and Γ = γᵐ(1 − terminated) over the m ≤ n
 * steps to s′. `terminated` alone ends the future: a truncated episode has a value to bootstrap from.
 */
export function criticTarget(reward: tf.Tensor, bootstrap: tf.Tensor, nextValue: tf.Tensor): tf.Tensor {
  return tf.add(reward, tf.mul(bootstrap, nextValue));
}

/** J_Q = Σ_i E[½(Qθi(s, a) − y)²]  (2018, eq. 7; 2019, eq. 5; each critic regresses on the same y). */
export function criticLoss(values: readonly tf.Tensor[], y: tf.Tensor): tf.Tensor {
  const squares = values.map((q) => tf.square(tf.sub(q, y)));
  return tf.mul(tf.mean(squares.reduce((sum, square) => tf.add(sum, square))), 0.5);
}

/** J_V = E[½(Vψ(s) − (min_i Qθi(s, ã) − α log π(ã|s)))²], ã ~ π(·|s)  (2018, eq. 5). `y` is the soft value. */
export function valueLoss(value: tf.Tensor, y: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mean(tf.square(tf.sub(value, y))), 0.5);
}

/** J_π = E[α log π(ã|s) − min_i Qθi(s, ã)], ã ~ π(·|s) reparameterised  (2018, eq. 12; 2019, eq. 7). `q` is the minimum. */
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
