// Adam (arXiv:1412.6980, algorithm 1) as a pure function; PyTorch's form, where ε is added to √v̂.
import * as tf from '@tensorflow/tfjs-core';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export interface AdamState {
  readonly parameters: tf.Tensor;
  /** Decayed sum of gradients: the paper's m divided by (1 − β₁). */
  readonly m: tf.Tensor;
  /** Decayed sum of squared gradients: the paper's v divided by (1 − β₂). */
  readonly v: tf.Tensor;
}

/**
 * One step:  m ← β₁·m + g,   v ← β₂·v + g²,   θ ← θ − stepSize·m / (√v + epsilon)
 *
 * The paper's factors (1 − β) and both bias corrections live in the two scalars (`adamScalars`): two passes over the
 * parameters fewer than the textbook's twelve, the same θ.
 */
export function adam(state: AdamState, gradient: tf.Tensor, stepSize: tf.Tensor, epsilon: tf.Tensor): AdamState {
  const m = tf.add(tf.mul(state.m, BETA1), gradient);
  const v = tf.add(tf.mul(state.v, BETA2), tf.square(gradient));
  const change = tf.div(tf.mul(m, stepSize), tf.add(tf.sqrt(v), epsilon));
  return { parameters: tf.sub(state.parameters, change), m, v };
}

/**
 * The scalars of step `t` (from 1). With ρ = √((1 − β₂ᵗ)/(1 − β₂)), which turns √v into the paper's √v̂ as √v/ρ:
 * stepSize = α·(1 − β₁)/(1 − β₁ᵗ)·ρ for the learning rate α, epsilon = ε·ρ.
 */
export function adamScalars(t: number): { readonly stepPerRate: number; readonly epsilon: number } {
  const rho = Math.sqrt((1 - BETA2 ** t) / (1 - BETA2));
  return { stepPerRate: ((1 - BETA1) / (1 - BETA1 ** t)) * rho, epsilon: EPSILON * rho };
}
