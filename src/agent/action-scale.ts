// An agent's actions in [−1, 1] as actions of the environment's Box.
import * as tf from '@tensorflow/tfjs-core';
import type { BoxDocument, JsonTensor, Value } from '../envs/spaces/space.ts';

/** An affine map per component: −1 is the Box's low, 1 its high. */
export class ActionScale {
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #array: Float32ArrayConstructor | Float64ArrayConstructor;

  /** `space` is bounded: `Algorithm.checkSpaces` has seen to it. */
  constructor(space: BoxDocument) {
    const size = space.shape.reduce((product, dimension) => product * dimension, 1);
    this.#low = bounds(space.low, size);
    this.#high = bounds(space.high, size);
    this.#array = space.dtype === 'float32' ? Float32Array : Float64Array;
  }

  /** `action` [action] in [−1, 1] as a fresh array in the Box and of its dtype. */
  toSpace(action: Float32Array): Float32Array | Float64Array {
    const scaled = new this.#array(action.length);
    for (const [i, a] of action.entries()) {
      const low = this.#low[i] ?? Number.NaN;
      const high = this.#high[i] ?? Number.NaN;
      // Clamped, because low + (a + 1)/2·(high − low) can round past a bound.
      scaled[i] = Math.min(high, Math.max(low, low + 0.5 * (a + 1) * (high - low)));
    }
    return scaled;
  }

  /** `action` of the Box in [−1, 1]; where low is high there is nothing to decide, and it is 0. */
  fromSpace(action: Value): Float32Array {
    return Float32Array.from(action as Float64Array, (value, i) => {
      const low = this.#low[i] ?? Number.NaN;
      const high = this.#high[i] ?? Number.NaN;
      return low === high ? 0 : Math.min(1, Math.max(-1, (2 * (value - low)) / (high - low) - 1));
    });
  }

  /** The same map in tfjs and float32, for [batch, action] in a program that is traced. */
  toSpaceTensor(action: tf.Tensor): tf.Tensor {
    const row = (values: Float64Array): tf.Tensor => tf.tensor1d(Float32Array.from(values));
    const [low, high] = [this.#low, this.#high];
    const centre = low.map((bound, i) => 0.5 * (bound + (high[i] ?? Number.NaN)));
    const halfWidth = low.map((bound, i) => 0.5 * ((high[i] ?? Number.NaN) - bound));
    // About the centre, since a + 1 would lose the last digits of a in float32; a symmetric Box has nothing to add.
    const scaled = tf.add(tf.mul(action, row(halfWidth)), row(centre));
    return tf.minimum(tf.maximum(scaled, row(low)), row(high));
  }
}

function bounds(document: JsonTensor, size: number): Float64Array {
  if (!Array.isArray(document)) return new Float64Array(size).fill(Number(document));
  return Float64Array.from(leaves(document));
}

function leaves(document: JsonTensor): number[] {
  return Array.isArray(document) ? document.flatMap(leaves) : [Number(document)];
}
