// Matrix products. A graph knows those of two matrices; batches become several of them, or a multiplication and a sum.
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../math/tensor.ts';
import { ACTIVATIONS } from './activations.ts';
import type { TraceBackend } from './backend.ts';
import { binary, concat, cut, type Kernel, type Kernels, one, reduce, reshape, two, unary } from './kernel.ts';
import { untraceable } from './untraceable.ts';

/** Up to here a batch is one product each: an ensemble of networks. Above, it is many small ones: an a·b of every pair at once. */
const LARGEST_UNROLLED = 16;
/** Elements of that a·b: 64 MB. */
const LARGEST_OUTER = 2 ** 24;

interface Operands {
  readonly a: tf.TensorInfo;
  readonly b: tf.TensorInfo;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const batchOf = (x: tf.TensorInfo): number => sizeOf(x.shape.slice(0, -2));

/** op(A)·op(B) of matrices; leading dimensions of 1 are taken off, so that a graph knows only rank 2. */
function matrixProduct(backend: TraceBackend, { a, b, transposeA, transposeB }: Operands): tf.TensorInfo {
  const [left, right] = [a, b].map((x) => (x.shape.length === 2 ? x : reshape(backend, x, x.shape.slice(-2)))) as [
    tf.TensorInfo,
    tf.TensorInfo,
  ];
  const rows = left.shape[transposeA ? 1 : 0] as number;
  const columns = right.shape[transposeB ? 0 : 1] as number;
  return backend.emit({ kind: 'matmul', transposeA, transposeB }, [left, right], [rows, columns]);
}

/** [batch, rows, columns] of operands of rank 3 whose batches are equal, or 1. */
function batchedProduct(backend: TraceBackend, operands: Operands): tf.TensorInfo {
  const { a, b, transposeA, transposeB } = operands;
  const [[batchA, rowsA, columnsA], [batchB, rowsB, columnsB]] = [a.shape, b.shape] as [
    [number, number, number],
    [number, number, number],
  ];
  const batch = Math.max(batchA, batchB);
  const [rows, inner] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const columns = transposeB ? rowsB : columnsB;
  if (batchB === 1 && !transposeA) {
    // One matrix for all: their rows are the rows of one product.
    const product = matrixProduct(backend, { ...operands, a: reshape(backend, a, [batchA * rowsA, columnsA]) });
    return reshape(backend, product, [batch, rows, columns]);
  }
  if (batch <= LARGEST_UNROLLED) {
    const products = Array.from({ length: batch }, (_, index) => {
      const [left, right] = [a, b].map((x) => (x.shape[0] === 1 ? x : cut(backend, x, 0, index, 1)));
      return matrixProduct(backend, { ...operands, a: left as tf.TensorInfo, b: right as tf.TensorInfo });
    });
    return concat(
      backend,
      products.map((product) => reshape(backend, product, [1, rows, columns])),
      0,
    );
  }
  if (batch * rows * inner * columns > LARGEST_OUTER) {
    throw untraceable(
      `A batch of ${batch} matrix products [${rows},${inner}]·[${inner},${columns}] would need ${batch * rows * inner * columns} numbers at once, and at most ${LARGEST_OUTER} are allowed. Split the batch, or share one of the matrices.`,
    );
  }
  // [batch, rows, inner, 1] · [batch, 1, inner, columns], summed over the inner axis.
  const left = transposeA ? swapped(backend, a) : a;
  const right = transposeB ? swapped(backend, b) : b;
  const pairs = binary(
    backend,
    'mul',
    reshape(backend, left, [batchA, rows, inner, 1]),
    reshape(backend, right, [batchB, 1, inner, columns]),
  );
  return reduce(backend, 'sum', pairs, 2, false);
}

const swapped = (backend: TraceBackend, { shape, ...rest }: tf.TensorInfo): tf.TensorInfo =>
  backend.emit({ kind: 'transpose', perm: [0, 2, 1] }, [{ shape, ...rest }], [
    shape[0],
    shape[2],
    shape[1],
  ] as number[]);

const matmul: Kernel = (backend, inputs, attributes) => {
  const [a, b] = two(inputs);
  const operands = {
    a,
    b,
    transposeA: attributes['transposeA'] === true,
    transposeB: attributes['transposeB'] === true,
  };
  if (a.shape.length < 2 || b.shape.length < 2) {
    throw untraceable(`A matrix product takes matrices; it got shapes [${a.shape}] and [${b.shape}].`);
  }
  const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const [batch, batchA, batchB] = [sizeOf(outer), batchOf(a), batchOf(b)];
  if (batch === 1) {
    const product = matrixProduct(backend, operands);
    return outer.length === 0 ? product : reshape(backend, product, [...outer, ...product.shape]);
  }
  if ((batchA !== batch && batchA !== 1) || (batchB !== batch && batchB !== 1)) {
    throw untraceable(
      `A matrix product of batches takes equal leading dimensions, or one matrix for all; it got shapes [${a.shape}] and [${b.shape}].`,
    );
  }
  const product = batchedProduct(backend, {
    ...operands,
    a: reshape(backend, a, [batchA, ...a.shape.slice(-2)]),
    b: reshape(backend, b, [batchB, ...b.shape.slice(-2)]),
  });
  return outer.length === 1 ? product : reshape(backend, product, [...outer, ...product.shape.slice(1)]);
};

const fusedMatmul: Kernel = (backend, inputs, attributes) => {
  const product = matmul(backend, inputs, attributes) as tf.TensorInfo;
  const bias = inputs['bias'];
  const sum = bias === undefined ? product : binary(backend, 'add', product, bias);
  switch (attributes['activation']) {
    case 'linear':
      return sum;
    case 'relu':
    case 'sigmoid':
      return unary(backend, attributes['activation'], sum);
    case 'elu':
      return (ACTIVATIONS['Elu'] as Kernel)(backend, { x: sum }, {});
    case 'relu6':
      return (ACTIVATIONS['Relu6'] as Kernel)(backend, { x: sum }, {});
    case 'leakyrelu':
      return (ACTIVATIONS['LeakyRelu'] as Kernel)(backend, { x: sum }, { alpha: attributes['leakyreluAlpha'] });
    case 'prelu':
      return (ACTIVATIONS['Prelu'] as Kernel)(backend, { x: sum, alpha: one(inputs, 'preluActivationWeights') }, {});
    default:
      throw untraceable(
        `The fused activation "${attributes['activation']}" cannot be traced; call it as an op of its own.`,
      );
  }
};

export const PRODUCTS: Kernels = { BatchMatMul: matmul, _FusedMatMul: fusedMatmul };
