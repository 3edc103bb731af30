// ObservationNoise: a sensor with noise. Each element of each observation gets a normal number of its own.
import { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Range } from '../kwargs.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import { Box } from '../spaces/box.ts';
import type { Value } from '../spaces/space.ts';
import { amountKwarg, drawAmount, wrapperStream } from './amount.ts';
import { boxOf, wrapper } from './wrapper.ts';

class ObservationNoise implements Env {
  /** Without bounds: noise keeps none. */
  readonly observationSpace: Box;
  readonly #env: Env;
  readonly #range: Range;
  readonly #place: number;
  #rng = Pcg64.fromEntropy();
  #deviation: number;

  constructor(env: Env, { shape, dtype }: Box, range: Range, place: number) {
    this.#env = env;
    this.#range = range;
    this.#place = place;
    this.#deviation = range[0];
    this.observationSpace = new Box({ low: -Infinity, high: Infinity, shape, dtype });
  }

  get spec() {
    return this.#env.spec;
  }

  get actionSpace() {
    return this.#env.actionSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    const result = this.#env.reset(options);
    this.#rng = wrapperStream(this.#rng, options?.seed, this.#place);
    this.#deviation = drawAmount(this.#rng, this.#range);
    const info = { ...result.info, observation_noise: this.#deviation };
    return { observation: this.#noisy(result.observation), info };
  }

  step(action: Value): StepResult {
    const result = this.#env.step(action);
    return { ...result, observation: this.#noisy(result.observation) };
  }

  getState(): Tensors {
    return {
      ...nest('env', this.#env.getState()),
      ...nest('rng', this.#rng.getState()),
      deviation: vector(Float64Array.of(this.#deviation)),
    };
  }

  setState(state: Tensors): void {
    restoring(this.spec.id, () => {
      const rng = Pcg64.fromState(under('rng', state));
      const [deviation] = takeVector(state, 'deviation', Float64Array, 1) as unknown as [number];
      const [low, high] = this.#range;
      if (!(deviation >= low && deviation <= high))
        throw new RangeError(`deviation is ${deviation}, not from ${low} to ${high}.`);
      this.#env.setState(under('env', state));
      this.#rng = rng;
      this.#deviation = deviation;
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

  #noisy(observation: Value): Value {
    return (observation as Float32Array | Float64Array).map((x) => x + this.#deviation * this.#rng.standardNormal());
  }
}

export const observationNoise = wrapper({
  name: 'ObservationNoise',
  summary: 'Adds normal noise to every element of every observation.',
  kwargs: {
    deviation: amountKwarg(
      0.01,
      'Standard deviation, in the units of the observation: a number, or [low, high] to draw one per episode.',
      { minimum: 0, maximum: 1e6 },
    ),
  },
  wrap: (env, { deviation }, { place }) =>
    new ObservationNoise(env, boxOf('ObservationNoise', env, 'observation'), deviation, place),
});
