// A table of probabilities that acts. Observations and actions are integers: the state, and the action's index.
import * as tf from '@tensorflow/tfjs-core';
import { weightedChoices } from '../../../math/draws.ts';
import type { Pcg64 } from '../../../math/pcg64.ts';
import { type Tensors, takeVector } from '../../../math/tensor.ts';
import type { DiscreteSpaces, MeanPolicy, Policy, PolicySetup } from '../../algorithm.ts';

export class TabularPolicy implements Policy {
  readonly #spaces: DiscreteSpaces;
  #policy: Float64Array;
  #mode: Float32Array;

  constructor({ spaces, state }: Pick<PolicySetup<DiscreteSpaces>, 'spaces' | 'state'>) {
    this.#spaces = spaces;
    [this.#policy, this.#mode] = tablesOf(state, spaces);
  }

  async act(
    observations: Float32Array | Float64Array,
    options: { readonly deterministic: true } | { readonly deterministic: false; readonly rng: Pcg64 },
  ): Promise<Float32Array> {
    const { n: actions } = this.#spaces.action;
    return Float32Array.from(observations, (observation) => {
      const state = observation - this.#spaces.observation.start;
      if (options.deterministic) return this.#mode[state] as number;
      const row = this.#policy.subarray(state * actions, (state + 1) * actions);
      return weightedChoices(options.rng, Array.from(row), 1)[0] as number;
    });
  }

  setState(state: Tensors): void {
    [this.#policy, this.#mode] = tablesOf(state, this.#spaces);
  }

  async dispose(): Promise<void> {}
}

function tablesOf(state: Tensors, { observation, action }: DiscreteSpaces): [Float64Array, Float32Array] {
  return [
    takeVector(state, 'policy', Float64Array, observation.n * action.n),
    takeVector(state, 'mode', Float32Array, observation.n),
  ];
}

/** The row of `mode` at the observation: a product with 1 there and 0 elsewhere, which is exact. */
export function tabularMeanPolicy({ observation: { n: states, start } }: DiscreteSpaces): MeanPolicy {
  return {
    parameters: { mode: [states, 1] },
    act(parameters, observation) {
      const column = tf.tensor1d(Float32Array.from({ length: states }, (_, state) => start + state));
      const chosen = tf.cast(tf.equal(observation, column), 'float32');
      return tf.matMul(chosen, parameters.get('mode') as tf.Tensor2D);
    },
  };
}
