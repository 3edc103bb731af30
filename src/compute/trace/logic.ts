// Truth values: comparisons, their combinations, and the choice between two tensors. A graph has `and`; the rest is made of numbers.
import type * as tf from '@tensorflow/tfjs-core';
import type { TraceBackend } from './backend.ts';
import { binary, broadcast, type Kernel, type Kernels, one, reduce, select, two, unary } from './kernel.ts';

const not = (backend: TraceBackend, x: tf.TensorInfo): tf.TensorInfo => binary(backend, 'equal', x, 0);

const LARGEST_FLOAT = 3.4028234663852886e38;

const comparison =
  (kind: 'greater' | 'greaterEqual' | 'less' | 'lessEqual' | 'equal'): Kernel =>
  (backend, inputs) =>
    binary(backend, kind, ...two(inputs));

/** Whether any, or all, of the truth values are true: their maximum, or that of their opposites. */
const quantifier =
  (all: boolean): Kernel =>
  (backend, inputs, attributes) => {
    const x = all ? not(backend, one(inputs)) : one(inputs);
    const most = reduce(backend, 'max', x, attributes['axis'], attributes['keepDims'] === true);
    return all ? not(backend, most) : binary(backend, 'greater', most, 0);
  };

export const LOGIC: Kernels = {
  Greater: comparison('greater'),
  GreaterEqual: comparison('greaterEqual'),
  Less: comparison('less'),
  LessEqual: comparison('lessEqual'),
  Equal: comparison('equal'),
  NotEqual: (backend, inputs) => not(backend, binary(backend, 'equal', ...two(inputs))),
  LogicalAnd: (backend, inputs) => {
    const [a, b] = two(inputs);
    return backend.emit({ kind: 'and' }, [a, b], broadcast(a, b), 'bool');
  },
  LogicalOr: (backend, inputs) => binary(backend, 'greater', binary(backend, 'add', ...two(inputs)), 0),
  LogicalNot: (backend, inputs) => not(backend, one(inputs)),
  Any: quantifier(false),
  All: quantifier(true),
  IsNan: (backend, inputs) => {
    const x = one(inputs);
    return not(backend, binary(backend, 'equal', x, x));
  },
  IsFinite: (backend, inputs) => binary(backend, 'lessEqual', unary(backend, 'abs', one(inputs)), LARGEST_FLOAT),
  IsInf: (backend, inputs) => binary(backend, 'greater', unary(backend, 'abs', one(inputs)), LARGEST_FLOAT),
  Select: (backend, inputs) => {
    const [condition, t, e] = [one(inputs, 'condition'), one(inputs, 't'), one(inputs, 'e')];
    return select(backend, condition, t, e, t.shape);
  },
};
