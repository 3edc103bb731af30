// Soft Q-learning: Haarnoja et al. 2017, arXiv:1702.08165. The soft value by importance sampling (eq. 10), and a sampling network
// that follows Stein variational gradients (eq. 13 and 14) with an RBF kernel of fixed bandwidth.
import * as tf from '@tensorflow/tfjs-core';
import { bootstrapped, follows, layers, meanSquare, namesOf, network } from './networks.ts';
import { type AlgorithmProgram, flags, type Tensors } from './program.ts';

const PARTICLES = 4;
const TEMPERATURE = 0.5;
const BANDWIDTH = 0.7;

/** Q(s, a) of every particle: observations [batch, n], actions [batch, K, m] give [batch, K]. */
function particleValues(p: Tensors, name: string, observation: tf.Tensor, actions: tf.Tensor): tf.Tensor {
  const [batch, particles] = actions.shape as [number, number];
  const seen = tf.tile(tf.expandDims(observation, 1), [1, particles, 1]);
  const values = network(p, name, tf.concat([seen, actions], 2), (x) => tf.leakyRelu(x, 0.1));
  return tf.reshape(values, [batch, particles]);
}

/** a = tanh(f(s, ξ)) for each ξ of [batch, K, m]. */
function particlesOf(p: Tensors, observation: tf.Tensor, noise: tf.Tensor): tf.Tensor {
  const seen = tf.tile(tf.expandDims(observation, 1), [1, noise.shape[1] as number, 1]);
  return tf.tanh(network(p, 'sampler', tf.concat([seen, noise], -1), tf.relu));
}

/** V(s) = α·log E_q[exp(Q(s, a)/α)/q(a)] with a drawn uniformly from (−1, 1)ᵐ, where q(a) = 2⁻ᵐ. */
function softValue(p: Tensors, name: string, observation: tf.Tensor, proposals: tf.Tensor): tf.Tensor {
  const [, particles, size] = proposals.shape as [number, number, number];
  const values = tf.div(particleValues(p, name, observation, proposals), TEMPERATURE);
  const weighted = tf.logSumExp(tf.add(values, size * Math.LN2), 1, true);
  return tf.mul(TEMPERATURE, tf.sub(weighted, Math.log(particles)));
}

/** Δ(aⱼ) = E_i[κ(aᵢ, aⱼ)·∇ log p(aᵢ) + ∇_{aᵢ} κ(aᵢ, aⱼ)], p ∝ exp(Q/α) and the density of tanh: [batch, K, m]. */
function steinDirections(p: Tensors, observation: tf.Tensor, fixed: tf.Tensor, moving: tf.Tensor): tf.Tensor {
  const logDensity = (actions: tf.Tensor): tf.Tensor => {
    const values = tf.div(particleValues(p, 'q', observation, actions), TEMPERATURE);
    return tf.sum(tf.add(values, tf.sum(tf.log(tf.sub(1 + 1e-6, tf.square(actions))), -1)));
  };
  const score = tf.expandDims(tf.grad(logDensity)(fixed), 2);
  // [batch, i, j, m]
  const apart = tf.sub(tf.expandDims(fixed, 2), tf.expandDims(moving, 1));
  const kernel = tf.exp(tf.div(tf.sum(tf.square(apart), -1, true), -BANDWIDTH));
  const repulsion = tf.mul(kernel, tf.mul(apart, -2 / BANDWIDTH));
  return tf.mean(tf.add(tf.mul(kernel, score), repulsion), 1);
}

export const sql: AlgorithmProgram = {
  name: 'soft Q-learning',
  make: ({ batch, observation, action, hidden }) => {
    const q = layers('q', observation + action, hidden, 1);
    const sampler = layers('sampler', observation + action, hidden, action);
    return {
      parameters: { ...q, ...sampler, ...layers('target', observation + action, hidden, 1) },
      inputs: {
        observation: [batch, observation],
        action: [batch, action],
        reward: [batch, 1],
        nextObservation: [batch, observation],
        terminated: [batch, 1],
        proposals: [batch, PARTICLES, action],
        fixedNoise: [batch, PARTICLES, action],
        movingNoise: [batch, PARTICLES + 1, action],
      },
      draw: { terminated: flags, fixedNoise: [-2, 2], movingNoise: [-2, 2] },
      steps: [
        {
          name: 'critic',
          parameters: namesOf(q),
          given: (p, x) => ({
            y: bootstrapped(x, softValue(p, 'target', x['nextObservation'] as tf.Tensor, x['proposals'] as tf.Tensor)),
          }),
          loss: (p, x, { y }) => {
            const actions = tf.expandDims(x['action'] as tf.Tensor, 1);
            const values = particleValues(p, 'q', x['observation'] as tf.Tensor, actions);
            return tf.mul(0.5, meanSquare(values, y as tf.Tensor));
          },
        },
        {
          name: 'sampler',
          parameters: namesOf(sampler),
          given: (p, x) => {
            const seen = x['observation'] as tf.Tensor;
            const fixed = particlesOf(p, seen, x['fixedNoise'] as tf.Tensor);
            const moving = particlesOf(p, seen, x['movingNoise'] as tf.Tensor);
            return { direction: steinDirections(p, seen, fixed, moving) };
          },
          // Its gradient is −E[Δ·∂a/∂φ]: the sampler moves its particles along Δ.
          loss: (p, x, { direction }) => {
            const moving = particlesOf(p, x['observation'] as tf.Tensor, x['movingNoise'] as tf.Tensor);
            return tf.neg(tf.mean(tf.sum(tf.mul(direction as tf.Tensor, moving), -1)));
          },
        },
      ],
      targets: follows('target', 'q'),
    };
  },
};
