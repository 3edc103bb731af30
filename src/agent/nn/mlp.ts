// Multi-layer perceptrons: an activation between layers, none after the last; with layer normalisation before it on request.
import * as tf from '@tensorflow/tfjs-core';
import type { Pcg64 } from '../../math/pcg64.ts';
import { type Tensors, zeros } from '../../math/tensor.ts';

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** What stands between two layers, by name. */
export const ACTIVATIONS = {
  relu: (x: tf.Tensor) => tf.relu(x),
  tanh: (x: tf.Tensor) => tf.tanh(x),
  elu: (x: tf.Tensor) => tf.elu(x),
  silu: (x: tf.Tensor) => tf.mul(x, tf.sigmoid(x)),
} as const satisfies Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>>;

export type Activation = keyof typeof ACTIVATIONS;

/** Added to the variance: arXiv:1607.06450's ε, with PyTorch's value. */
const LAYER_NORM_EPSILON = 1e-5;

export interface MlpOptions {
  /** Units of each layer, from the input to the output. */
  readonly sizes: readonly number[];
  /** Whether every hidden layer is normalised before its activation. */
  readonly layerNorm: boolean;
}

/** Names and shapes: `0/kernel` [in, out], `0/bias` [out], with layer normalisation `0/scale` and `0/offset` [out], `1/kernel`, … */
export function mlpShapes({ sizes, layerNorm }: MlpOptions): Shapes {
  const layers = sizes.slice(1).map((width, index) => {
    const linear = [[`${index}/kernel`, [sizes[index] as number, width]] as const, [`${index}/bias`, [width]] as const];
    const norm = [[`${index}/scale`, [width]] as const, [`${index}/offset`, [width]] as const];
    return layerNorm && index < sizes.length - 2 ? [...linear, ...norm] : linear;
  });
  return Object.fromEntries(layers.flat());
}

/**
 * Fresh parameters: weights and biases uniform in ±1/√fan_in, as PyTorch's nn.Linear draws them
 * (kaiming_uniform_ with a = √5; torch/nn/modules/linear.py, `reset_parameters`); a normalisation begins as the identity.
 */
export function initializeMlp(options: MlpOptions, rng: Pcg64): Tensors {
  const bounds = options.sizes.map((fanIn) => 1 / Math.sqrt(fanIn));
  return Object.fromEntries(
    Object.entries(mlpShapes(options)).map(([name, shape]) => {
      const [layer, part] = name.split('/') as [string, string];
      const tensor = zeros(shape);
      if (part === 'scale') tensor.data.fill(1);
      const bound = bounds[Number(layer)] as number;
      if (part === 'kernel' || part === 'bias') rng.fillUniform(tensor.data, -bound, bound);
      return [name, tensor];
    }),
  );
}

/** x [batch, in] → [batch, out] by the layers `prefix/0`, `prefix/1`, … of `parameters`. */
export function mlp(
  parameters: ReadonlyMap<string, tf.Tensor>,
  prefix: string,
  x: tf.Tensor,
  activation: Activation = 'relu',
): tf.Tensor {
  const of = (layer: number, part: string): tf.Tensor | undefined => parameters.get(`${prefix}/${layer}/${part}`);
  let h = x;
  for (let layer = 0; ; layer += 1) {
    const [kernel, bias] = [of(layer, 'kernel'), of(layer, 'bias')];
    if (kernel === undefined || bias === undefined) return h;
    if (layer > 0) {
      const [scale, offset] = [of(layer - 1, 'scale'), of(layer - 1, 'offset')];
      if (scale !== undefined && offset !== undefined) h = layerNorm(h, scale, offset);
      h = ACTIVATIONS[activation](h);
    }
    h = tf.add(tf.matMul(h, kernel), bias);
  }
}

/** (x − E[x]) / √(V[x] + ε)·scale + offset over each row of x [batch, width]  (arXiv:1607.06450, eq. 4). */
function layerNorm(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const variance = tf.mean(tf.square(centred), 1, true);
  const spread = tf.sqrt(tf.add(variance, LAYER_NORM_EPSILON));
  return tf.add(tf.mul(tf.div(centred, spread), scale), offset);
}
