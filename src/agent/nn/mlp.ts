// Multi-layer perceptrons: ReLU between layers, none after the last.
import * as tf from '@tensorflow/tfjs-core';
import type { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, zeros } from '../../math/tensor.ts';

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** Names and shapes for layers of `sizes` units: `0/kernel` [in, out], `0/bias` [out], `1/kernel`, … */
export function mlpShapes(sizes: readonly number[]): Shapes {
  const layers = sizes
    .slice(1)
    .map((width, index) => [
      [`${index}/kernel`, [sizes[index] as number, width]] as const,
      [`${index}/bias`, [width]] as const,
    ]);
  return Object.fromEntries(layers.flat());
}

/**
 * Fresh parameters: weights and biases uniform in ±1/√fan_in, as PyTorch's nn.Linear draws them
 * (kaiming_uniform_ with a = √5; torch/nn/modules/linear.py, `reset_parameters`).
 */
export function initializeMlp(sizes: readonly number[], rng: Pcg64): Tensors {
  const layers = sizes.slice(1).map((width, index) => {
    const fanIn = sizes[index] as number;
    const bound = 1 / Math.sqrt(fanIn);
    const [kernel, bias] = [zeros([fanIn, width]), zeros([width])];
    rng.fillUniform(kernel.data, -bound, bound);
    rng.fillUniform(bias.data, -bound, bound);
    return nest(String(index), { kernel, bias });
  });
  return Object.assign({}, ...layers);
}

/** x [batch, in] → [batch, out] by the layers `prefix/0`, `prefix/1`, … of `parameters`. */
export function mlp(parameters: ReadonlyMap<string, tf.Tensor>, prefix: string, x: tf.Tensor): tf.Tensor {
  let h = x;
  for (let layer = 0; ; layer += 1) {
    const [kernel, bias] = [parameters.get(`${prefix}/${layer}/kernel`), parameters.get(`${prefix}/${layer}/bias`)];
    if (kernel === undefined || bias === undefined) return h;
    h = tf.add(tf.matMul(layer === 0 ? h : tf.relu(h), kernel), bias);
  }
}
