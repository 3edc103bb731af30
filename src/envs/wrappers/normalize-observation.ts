// NormalizeObservation: observations less their running mean, over their running deviation.
// gymnasium/wrappers/stateful_observation.py, with numpy's roundings: statistics have the observations' dtype.

import { RunningMoments } from '../../math/running-moments.ts';
import { nest, type Tensors, under } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import { Box } from '../spaces/box.ts';
import type { Value } from '../spaces/space.ts';
import { boxOf, wrapper } from './wrapper.ts';

class NormalizeObservation implements Env {
  readonly observationSpace: Box;
  readonly #env: Env;
  readonly #moments: RunningMoments;
  readonly #round: (x: number) => number;
  readonly #epsilon: number;

  constructor(env: Env, space: Box, epsilon: number) {
    this.#env = env;
    this.observationSpace = new Box({ low: -Infinity, high: Infinity, shape: space.shape, dtype: 'float32' });
    this.#moments = new RunningMoments(space.size, { samples: space.dtype, start: 'float32' });
    this.#round = space.dtype === 'float32' ? Math.fround : (x) => x;
    this.#epsilon = this.#round(epsilon);
  }

  get spec() {
    return this.#env.spec;
  }

  get actionSpace() {
    return this.#env.actionSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    const result = this.#env.reset(options);
    return { ...result, observation: this.#normalize(result.observation) };
  }

  step(action: Value): StepResult {
    const result = this.#env.step(action);
    return { ...result, observation: this.#normalize(result.observation) };
  }

  getState(): Tensors {
    return { ...nest('env', this.#env.getState()), ...nest('observations', this.#moments.getState()) };
  }

  setState(state: Tensors): void {
    restoring(this.spec.id, () => {
      const restore = this.#moments.prepare(under('observations', state));
      this.#env.setState(under('env', state));
      restore();
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

  #normalize(observation: Value): Float32Array {
    const sample = observation as Float32Array | Float64Array;
    this.#moments.update(sample);
    const { mean, variance } = this.#moments;
    const round = this.#round;
    return Float32Array.from(sample, (x, i) => {
      const deviation = round(Math.sqrt(round((variance[i] as number) + this.#epsilon)));
      return round(x - (mean[i] as number)) / deviation;
    });
  }
}

export const normalizeObservation = wrapper({
  name: 'NormalizeObservation',
  summary:
    'Observations less their running mean, divided by their running standard deviation; float32, without bounds.',
  kwargs: {
    epsilon: {
      type: 'number',
      default: 1e-8,
      exclusiveMinimum: 0,
      description: 'Added to the variance, so that nothing is divided by zero.',
    },
  },
  outlivesResets: true,
  wrap: (env, { epsilon }) => new NormalizeObservation(env, boxOf('NormalizeObservation', env, 'observation'), epsilon),
});
