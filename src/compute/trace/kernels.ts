// What each tfjs kernel becomes in the graph: those that a graph has an op for stand here, those made of several beside.
// Shapes only; gradients are in gradients.ts.
import * as tf from '@tensorflow/tfjs-core';
import type { BinaryKind, UnaryKind } from '../graph.ts';
import { ACTIVATIONS } from './activations.ts';
import { BACKEND, type TraceBackend } from './backend.ts';
import { type Attributes, binary, type Inputs, type Kernel, type Kernels, one, reduce, two, unary } from './kernel.ts';
import { LOGIC } from './logic.ts';
import { PRODUCTS } from './products.ts';
import { SHAPES } from './shapes.ts';

const UNARY: Readonly<Record<string, UnaryKind>> = {
  Neg: 'neg',
  Abs: 'abs',
  Exp: 'exp',
  Log: 'log',
  Sqrt: 'sqrt',
  Square: 'square',
  Reciprocal: 'reciprocal',
  Tanh: 'tanh',
  Sigmoid: 'sigmoid',
  Softplus: 'softplus',
  Relu: 'relu',
};

const BINARY: Readonly<Record<string, Exclude<BinaryKind, 'and'>>> = {
  Add: 'add',
  Sub: 'sub',
  Multiply: 'mul',
  RealDiv: 'div',
  Minimum: 'minimum',
  Maximum: 'maximum',
  Pow: 'pow',
};

const reduction =
  (kind: 'sum' | 'mean' | 'max', axisName: string): Kernel =>
  (backend, inputs, attributes) =>
    reduce(backend, kind, one(inputs), attributes[axisName], attributes['keepDims'] === true);

const KERNELS: Kernels = {
  ...Object.fromEntries(
    Object.entries(UNARY).map(([name, kind]) => [
      name,
      (backend: TraceBackend, inputs: Inputs) => unary(backend, kind, one(inputs)),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(BINARY).map(([name, kind]) => [
      name,
      (backend: TraceBackend, inputs: Inputs) => binary(backend, kind, ...two(inputs)),
    ]),
  ),
  ...ACTIVATIONS,
  ...LOGIC,
  ...PRODUCTS,
  ...SHAPES,
  Sum: reduction('sum', 'axis'),
  Mean: reduction('mean', 'axis'),
  Max: reduction('max', 'reductionIndices'),
  // The opposite of the largest opposite.
  Min: (backend, inputs, attributes) => {
    const opposites = unary(backend, 'neg', one(inputs));
    return unary(
      backend,
      'neg',
      reduce(backend, 'max', opposites, attributes['axis'], attributes['keepDims'] === true),
    );
  },
  SquaredDifference: (backend, inputs) => unary(backend, 'square', binary(backend, 'sub', ...two(inputs))),
  AddN: (backend, inputs) => Object.values(inputs).reduce((sum, x) => binary(backend, 'add', sum, x)),
};

let registered = false;

/** Registers the kernels with tfjs, once a process. */
export function registerKernels(): void {
  if (registered) return;
  registered = true;
  for (const [kernelName, kernel] of Object.entries(KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs, backend }) =>
        kernel(backend as TraceBackend, inputs as Inputs, (attrs ?? {}) as Attributes),
    });
  }
}

/** The tfjs kernels that can be traced. */
export const traceableKernels = (): readonly string[] => Object.keys(KERNELS).sort();
