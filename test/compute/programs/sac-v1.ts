// SAC with a value network and a target of it: Haarnoja et al. 2018, arXiv:1801.01290, eq. 5 to 13 and algorithm 1.
import * as tf from '@tensorflow/tfjs-core';
import { bootstrapped, critic, follows, layers, meanSquare, namesOf, network, squashedGaussian } from './networks.ts';
import { type AlgorithmProgram, flags, type Tensors } from './program.ts';

const smallerQ = (p: Tensors, observation: tf.Tensor, action: tf.Tensor): tf.Tensor =>
  tf.minimum(critic(p, 'q1', observation, action), critic(p, 'q2', observation, action));

export const sacV1: AlgorithmProgram = {
  name: 'SAC v1',
  make: ({ batch, observation, action, hidden }) => {
    const actor = layers('actor', observation, hidden, 2 * action);
    const value = layers('value', observation, hidden, 1);
    const [q1, q2] = [layers('q1', observation + action, hidden, 1), layers('q2', observation + action, hidden, 1)];
    return {
      parameters: { ...actor, ...value, ...q1, ...q2, ...layers('target', observation, hidden, 1) },
      inputs: {
        observation: [batch, observation],
        action: [batch, action],
        reward: [batch, 1],
        nextObservation: [batch, observation],
        terminated: [batch, 1],
        noise: [batch, action],
      },
      draw: { terminated: flags, noise: [-2, 2] },
      steps: [
        {
          name: 'value',
          parameters: namesOf(value),
          given: (p, x) => {
            const drawn = squashedGaussian(p, 'actor', x['observation'] as tf.Tensor, x['noise'] as tf.Tensor);
            const q = smallerQ(p, x['observation'] as tf.Tensor, drawn.action);
            return { y: tf.sub(q, drawn.logProbability) };
          },
          loss: (p, x, { y }) =>
            tf.mul(0.5, meanSquare(network(p, 'value', x['observation'] as tf.Tensor), y as tf.Tensor)),
        },
        {
          name: 'critics',
          parameters: namesOf(q1, q2),
          given: (p, x) => ({ y: bootstrapped(x, network(p, 'target', x['nextObservation'] as tf.Tensor)) }),
          loss: (p, x, { y }) =>
            tf.addN(
              ['q1', 'q2'].map((name) => {
                const q = critic(p, name, x['observation'] as tf.Tensor, x['action'] as tf.Tensor);
                return tf.mul(0.5, meanSquare(q, y as tf.Tensor));
              }),
            ),
        },
        {
          name: 'policy',
          parameters: namesOf(actor),
          loss: (p, x) => {
            const drawn = squashedGaussian(p, 'actor', x['observation'] as tf.Tensor, x['noise'] as tf.Tensor);
            return tf.mean(tf.sub(drawn.logProbability, smallerQ(p, x['observation'] as tf.Tensor, drawn.action)));
          },
        },
      ],
      targets: follows('target', 'value'),
    };
  },
};
