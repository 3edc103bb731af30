// NormalizeReward: rewards over the running deviation of the discounted return. gymnasium/wrappers/stateful_reward.py.

import { RunningMoments } from '../../math/running-moments.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import type { Value } from '../spaces/space.ts';
import { wrapper } from './wrapper.ts';

class NormalizeReward implements Env {
  readonly #env: Env;
  readonly #gamma: number;
  readonly #epsilon: number;
  readonly #moments = new RunningMoments(1, { samples: 'float64', start: 'float64' });
  /** Goes on through truncations and resets, and begins anew only where an episode terminates: as Gymnasium's does. */
  #discountedReturn = 0;

  constructor(env: Env, gamma: number, epsilon: number) {
    this.#env = env;
    this.#gamma = gamma;
    this.#epsilon = epsilon;
  }

  get spec() {
    return this.#env.spec;
  }

  get observationSpace() {
    return this.#env.observationSpace;
  }

  get actionSpace() {
    return this.#env.actionSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    return this.#env.reset(options);
  }

  step(action: Value): StepResult {
    const result = this.#env.step(action);
    const before = this.#discountedReturn * this.#gamma * (result.terminated ? 0 : 1);
    this.#discountedReturn = before + result.reward;
    this.#moments.update([this.#discountedReturn]);
    const deviation = Math.sqrt((this.#moments.variance[0] as number) + this.#epsilon);
    return { ...result, reward: result.reward / deviation };
  }

  getState(): Tensors {
    return {
      ...nest('env', this.#env.getState()),
      ...nest('returns', this.#moments.getState()),
      discounted_return: vector(Float64Array.of(this.#discountedReturn)),
    };
  }

  setState(state: Tensors): void {
    restoring(this.spec.id, () => {
      const restore = this.#moments.prepare(under('returns', state));
      const [discounted] = takeVector(state, 'discounted_return', Float64Array, 1);
      this.#env.setState(under('env', state));
      restore();
      this.#discountedReturn = discounted as number;
    });
  }

  render(options?: RenderOptions): Image {
    return this.#env.render(options);
  }

  close(): void {
    this.#env.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export const normalizeReward = wrapper({
  name: 'NormalizeReward',
  summary: 'Rewards divided by the running standard deviation of the discounted return.',
  kwargs: {
    gamma: { type: 'number', default: 0.99, minimum: 0, maximum: 1, description: 'Discount of the return, γ.' },
    epsilon: {
      type: 'number',
      default: 1e-8,
      exclusiveMinimum: 0,
      description: 'Added to the variance, so that nothing is divided by zero.',
    },
  },
  outlivesResets: true,
  wrap: (env, { gamma, epsilon }) => new NormalizeReward(env, gamma, epsilon),
});
