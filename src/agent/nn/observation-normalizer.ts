// Observations less their running mean, over their running standard deviation: what is seen while learning, and what a policy
// takes along. Clipped at ±10, as Stable-Baselines3's VecNormalize does.
import * as tf from '@tensorflow/tfjs-core';
import { RunningMoments } from '../../math/running-moments.ts';
import { nest, type Tensors, under, vector } from '../../math/tensor.ts';
import type { Pack } from './packing.ts';

const NAME = 'normalizer';
const CLIP = 10;
/** Added to the variance, so that a constant component becomes 0 and not NaN: Gymnasium's. */
const EPSILON = 1e-8;

/** What a program holds of it: the mean and 1/standard deviation of `size` components. */
export const normalizerPack = (size: number): Pack => ({
  name: NAME,
  shape: [2 * size],
  places: [
    { name: `${NAME}/mean`, shape: [size], offset: 0 },
    { name: `${NAME}/scale`, shape: [size], offset: size },
  ],
});

/** clip((x − mean)·scale, ±10) for x [batch, size]. */
export const normalized = (x: tf.Tensor, mean: tf.Tensor, scale: tf.Tensor): tf.Tensor =>
  tf.clipByValue(tf.mul(tf.sub(x, mean), scale), -CLIP, CLIP);

/** The same through the parameters of `normalizerPack`. */
export const seenThrough = (parameters: ReadonlyMap<string, tf.Tensor>, x: tf.Tensor): tf.Tensor =>
  normalized(x, parameters.get(`${NAME}/mean`) as tf.Tensor, parameters.get(`${NAME}/scale`) as tf.Tensor);

/** The estimate as it grows. */
export class ObservationNormalizer {
  readonly #moments: RunningMoments;

  constructor(size: number) {
    this.#moments = new RunningMoments(size, { samples: 'float64', start: 'float64' });
  }

  observe(observation: Float32Array | Float64Array): void {
    this.#moments.update(observation);
  }

  /** Mean and scale as programs take them, float32 [size] each. */
  get parameters(): { readonly mean: Float32Array; readonly scale: Float32Array } {
    const { mean, variance } = this.#moments;
    return { mean: Float32Array.from(mean), scale: Float32Array.from(variance, (v) => 1 / Math.sqrt(v + EPSILON)) };
  }

  /** For a policy: the tensors of `normalizerPack`. */
  policyState(): Tensors {
    const { mean, scale } = this.parameters;
    return nest(NAME, { mean: vector(mean), scale: vector(scale) });
  }

  /** All of it. */
  getState(): Tensors {
    return { ...this.policyState(), ...nest(`${NAME}/moments`, this.#moments.getState()) };
  }

  /** Reads it back. Throws a `TypeError` or `RangeError` where it is missing or of another size. */
  setState(state: Tensors): void {
    this.#moments.prepare(under(`${NAME}/moments`, state))();
  }
}
