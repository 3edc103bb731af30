// TimeAwareObservation: the number of steps since the reset as one more element of the observation.
// gymnasium/wrappers/stateful_observation.py with `flatten`, since environments here observe no Dict.
import { DomainError } from '../../errors.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import { Box } from '../spaces/box.ts';
import type { Value } from '../spaces/space.ts';
import { boxOf, wrapper } from './wrapper.ts';

class TimeAwareObservation implements Env {
  readonly observationSpace: Box;
  readonly #env: Env;
  readonly #limit: number;
  readonly #normalize: boolean;
  #elapsedSteps = 0;

  constructor(env: Env, { low, high, size, dtype }: Box, limit: number, normalize: boolean) {
    this.#env = env;
    this.#limit = limit;
    this.#normalize = normalize;
    this.observationSpace = new Box({
      low: [...low, 0],
      high: [...high, normalize ? 1 : limit],
      shape: [size + 1],
      // numpy joins float32 with the int32 of the steps as float64.
      dtype: normalize ? dtype : 'float64',
    });
  }

  get spec() {
    return this.#env.spec;
  }

  get actionSpace() {
    return this.#env.actionSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    const result = this.#env.reset(options);
    this.#elapsedSteps = 0;
    return { ...result, observation: this.#withTime(result.observation) };
  }

  step(action: Value): StepResult {
    const result = this.#env.step(action);
    this.#elapsedSteps += 1;
    return { ...result, observation: this.#withTime(result.observation) };
  }

  getState(): Tensors {
    return { ...nest('env', this.#env.getState()), elapsed_steps: vector(Int32Array.of(this.#elapsedSteps)) };
  }

  setState(state: Tensors): void {
    restoring(this.spec.id, () => {
      const [elapsed] = takeVector(state, 'elapsed_steps', Int32Array, 1) as unknown as [number];
      if (elapsed < 0) throw new RangeError(`elapsed_steps is ${elapsed}, less than 0.`);
      this.#env.setState(under('env', state));
      this.#elapsedSteps = elapsed;
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

  #withTime(observation: Value): Float32Array | Float64Array {
    const { size, dtype } = this.observationSpace;
    const extended = dtype === 'float32' ? new Float32Array(size) : new Float64Array(size);
    extended.set(observation as Float32Array | Float64Array);
    // The normalised time is a float32 whatever it stands beside.
    extended[size - 1] = this.#normalize ? Math.fround(this.#elapsedSteps / this.#limit) : this.#elapsedSteps;
    return extended;
  }
}

export const timeAwareObservation = wrapper({
  name: 'TimeAwareObservation',
  summary: 'Appends the number of steps since the reset to the flattened observation.',
  kwargs: {
    normalize_time: {
      type: 'boolean',
      default: false,
      description: 'Divide it by the maximum of episode steps; else the observation becomes float64.',
    },
  },
  wrap: (env, { normalize_time }) => {
    const space = boxOf('TimeAwareObservation', env, 'observation');
    const { id, maxEpisodeSteps } = env.spec;
    if (maxEpisodeSteps === null) {
      throw new DomainError(
        'invalid_wrapper',
        `TimeAwareObservation needs a limit of steps, and ${id} has none here; give it one (max_episode_steps).`,
      );
    }
    return new TimeAwareObservation(env, space, maxEpisodeSteps, normalize_time);
  },
});
