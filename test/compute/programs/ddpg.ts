// DDPG: Lillicrap et al. 2016, arXiv:1509.02971, algorithm 1, with the weight decay of its critic. ELU in the place of ReLU, for breadth.
import * as tf from '@tensorflow/tfjs-core';
import { bootstrapped, follows, layers, meanSquare, namesOf, network } from './networks.ts';
import { type AlgorithmProgram, flags, type Tensors } from './program.ts';

const DECAY = 1e-2;

const actorOf = (p: Tensors, name: string, seen: tf.Tensor): tf.Tensor => tf.tanh(network(p, name, seen, tf.elu));
const criticOf = (p: Tensors, name: string, seen: tf.Tensor, action: tf.Tensor): tf.Tensor =>
  network(p, name, tf.concat([seen, action], 1), tf.elu);

export const ddpg: AlgorithmProgram = {
  name: 'DDPG',
  make: ({ batch, observation, action, hidden }) => {
    const actor = layers('actor', observation, hidden, action);
    const q = layers('q', observation + action, hidden, 1);
    return {
      parameters: {
        ...actor,
        ...q,
        ...layers('targetActor', observation, hidden, action),
        ...layers('targetQ', observation + action, hidden, 1),
      },
      inputs: {
        observation: [batch, observation],
        action: [batch, action],
        reward: [batch, 1],
        nextObservation: [batch, observation],
        terminated: [batch, 1],
      },
      draw: { terminated: flags },
      steps: [
        {
          name: 'critic',
          parameters: namesOf(q),
          given: (p, x) => {
            const next = x['nextObservation'] as tf.Tensor;
            return { y: bootstrapped(x, criticOf(p, 'targetQ', next, actorOf(p, 'targetActor', next))) };
          },
          loss: (p, x, { y }) => {
            const values = criticOf(p, 'q', x['observation'] as tf.Tensor, x['action'] as tf.Tensor);
            const decay = tf.addN(['q/w0', 'q/w1'].map((name) => tf.sum(tf.square(p[name] as tf.Tensor))));
            return tf.add(meanSquare(values, y as tf.Tensor), tf.mul(DECAY, decay));
          },
        },
        {
          name: 'policy',
          parameters: namesOf(actor),
          loss: (p, x) => {
            const seen = x['observation'] as tf.Tensor;
            return tf.neg(tf.mean(criticOf(p, 'q', seen, actorOf(p, 'actor', seen))));
          },
        },
      ],
      targets: { ...follows('targetActor', 'actor'), ...follows('targetQ', 'q') },
    };
  },
};
