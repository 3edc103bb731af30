// TD3: Fujimoto et al. 2018, arXiv:1802.09477, algorithm 1. The policy is delayed: an update with it and one without are two programs.
import * as tf from '@tensorflow/tfjs-core';
import { bootstrapped, critic, follows, layers, meanSquare, namesOf, network } from './networks.ts';
import { type AlgorithmProgram, flags, type Sizes, type Step, type Update } from './program.ts';

function make({ batch, observation, action, hidden }: Sizes, withPolicy: boolean): Update {
  const actor = layers('actor', observation, hidden, action);
  const [q1, q2] = [layers('q1', observation + action, hidden, 1), layers('q2', observation + action, hidden, 1)];
  const critics: Step = {
    name: 'critics',
    parameters: namesOf(q1, q2),
    given: (p, x) => {
      const next = x['nextObservation'] as tf.Tensor;
      const noise = tf.clipByValue(tf.mul(x['noise'] as tf.Tensor, 0.2), -0.5, 0.5);
      const smoothed = tf.clipByValue(tf.add(tf.tanh(network(p, 'targetActor', next)), noise), -1, 1);
      return {
        y: bootstrapped(x, tf.minimum(critic(p, 'targetQ1', next, smoothed), critic(p, 'targetQ2', next, smoothed))),
      };
    },
    loss: (p, x, { y }) =>
      tf.add(
        ...(['q1', 'q2'].map((name) =>
          meanSquare(critic(p, name, x['observation'] as tf.Tensor, x['action'] as tf.Tensor), y as tf.Tensor),
        ) as [tf.Tensor, tf.Tensor]),
      ),
  };
  const policy: Step = {
    name: 'policy',
    parameters: namesOf(actor),
    loss: (p, x) => {
      const seen = x['observation'] as tf.Tensor;
      return tf.neg(tf.mean(critic(p, 'q1', seen, tf.tanh(network(p, 'actor', seen)))));
    },
  };
  return {
    parameters: {
      ...actor,
      ...q1,
      ...q2,
      ...layers('targetActor', observation, hidden, action),
      ...layers('targetQ1', observation + action, hidden, 1),
      ...layers('targetQ2', observation + action, hidden, 1),
    },
    inputs: {
      observation: [batch, observation],
      action: [batch, action],
      reward: [batch, 1],
      nextObservation: [batch, observation],
      terminated: [batch, 1],
      noise: [batch, action],
    },
    // Wide enough that the clip of the target noise cuts some of it.
    draw: { terminated: flags, noise: [-4, 4] },
    steps: withPolicy ? [critics, policy] : [critics],
    targets: withPolicy
      ? { ...follows('targetActor', 'actor'), ...follows('targetQ1', 'q1'), ...follows('targetQ2', 'q2') }
      : {},
  };
}

export const td3Critics: AlgorithmProgram = { name: 'TD3 without its policy', make: (sizes) => make(sizes, false) };
export const td3Policy: AlgorithmProgram = { name: 'TD3 with its policy', make: (sizes) => make(sizes, true) };
