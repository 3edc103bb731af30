// PPO: Schulman et al. 2017, arXiv:1707.06347, eq. 7 and 9, with normalised advantages, a clipped value loss and a gradient of
// limited norm, as the implementations have it (Huang et al. 2022, "The 37 implementation details of PPO").
import * as tf from '@tensorflow/tfjs-core';
import type { Shapes } from '../../../src/compute/trace/trace.ts';
import { layers, namesOf, network } from './networks.ts';
import { type AlgorithmProgram, oneHotRows, type Sizes, type Tensors, type Update } from './program.ts';

const CLIP = 0.2;

interface Distribution {
  /** log π(a|s) and the entropy of π(·|s), [batch]. */
  readonly logProbability: tf.Tensor;
  readonly entropy: tf.Tensor;
}

/** −E[min(ρÂ, clip(ρ)Â)] + ½·E[max((v − R)², (clip(v) − R)²)] − 0.01·E[H], ρ = π(a|s)/π_old(a|s). */
function loss(p: Tensors, x: Tensors, { logProbability, entropy }: Distribution): tf.Tensor {
  const read = (name: string): tf.Tensor => x[name] as tf.Tensor;
  const { mean, variance } = tf.moments(read('advantage'));
  const advantage = tf.div(tf.sub(read('advantage'), mean), tf.add(tf.sqrt(variance), 1e-8));
  const ratio = tf.exp(tf.sub(logProbability, read('oldLogProbability')));
  const surrogate = tf.minimum(tf.mul(ratio, advantage), tf.mul(tf.clipByValue(ratio, 1 - CLIP, 1 + CLIP), advantage));
  const value = tf.squeeze(network(p, 'value', read('observation'), tf.tanh), [1]);
  // A value within the clip passes as it is, not by way of a difference: which of two equal errors is the larger, no rounding decides.
  const moved = tf.maximum(tf.minimum(value, tf.add(read('oldValue'), CLIP)), tf.sub(read('oldValue'), CLIP));
  const errors = tf.maximum(tf.squaredDifference(value, read('return')), tf.squaredDifference(moved, read('return')));
  return tf.add(tf.neg(tf.mean(surrogate)), tf.sub(tf.mul(0.5, tf.mean(errors)), tf.mul(0.01, tf.mean(entropy))));
}

function update(
  { batch, observation, hidden }: Sizes,
  policy: Shapes,
  action: Shapes[string],
  distribution: (p: Tensors, x: Tensors) => Distribution,
): Update {
  const value = layers('value', observation, hidden, 1);
  return {
    parameters: { ...policy, ...value },
    inputs: {
      observation: [batch, observation],
      action,
      advantage: [batch],
      return: [batch],
      oldLogProbability: [batch],
      oldValue: [batch],
    },
    // Old probabilities around the new ones, so that the ratio lies on both sides of both clips.
    draw: { oldLogProbability: [-3, 0] },
    steps: [
      {
        name: 'all',
        parameters: namesOf(policy, value),
        loss: (p, x) => loss(p, x, distribution(p, x)),
        largestNorm: 0.5,
      },
    ],
  };
}

export const ppoGaussian: AlgorithmProgram = {
  name: 'PPO with a Gaussian',
  make: (sizes) => {
    const { batch, observation, action, hidden } = sizes;
    const policy = { ...layers('policy', observation, hidden, action), logStd: [action] };
    return update(sizes, policy, [batch, action], (p, x) => {
      const logStd = p['logStd'] as tf.Tensor;
      const mean = network(p, 'policy', x['observation'] as tf.Tensor, tf.tanh);
      const z = tf.div(tf.sub(x['action'] as tf.Tensor, mean), tf.exp(logStd));
      const densities = tf.neg(tf.add(tf.mul(0.5, tf.square(z)), tf.add(logStd, 0.5 * Math.log(2 * Math.PI))));
      const entropy = tf.sum(tf.add(logStd, 0.5 * Math.log(2 * Math.PI * Math.E)));
      return { logProbability: tf.sum(densities, 1), entropy };
    });
  },
};

export const ppoCategorical: AlgorithmProgram = {
  name: 'PPO with a choice',
  make: (sizes) => {
    const { batch, observation, hidden } = sizes;
    const choices = sizes.action + 1;
    const made = update(sizes, layers('policy', observation, hidden, choices), [batch, choices], (p, x) => {
      const logits = network(p, 'policy', x['observation'] as tf.Tensor, tf.tanh);
      const logs = tf.logSoftmax(logits);
      return {
        logProbability: tf.sum(tf.mul(x['action'] as tf.Tensor, logs), 1),
        entropy: tf.neg(tf.sum(tf.mul(tf.softmax(logits), logs), -1)),
      };
    });
    return { ...made, draw: { ...made.draw, action: oneHotRows } };
  },
};
