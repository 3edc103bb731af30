// One function per kind of node, over Float64Array: slow and plainly right. Booleans are 0 and 1.
import { sizeOf } from '../../math/tensor.ts';
import type { BinaryKind, Node, UnaryKind } from '../graph.ts';

type Values = Float64Array;

const bit = (truth: boolean): number => (truth ? 1 : 0);

/** NaN stays NaN, as in numpy and IEEE 754-2019 `minimum`. */
export const UNARY: Readonly<Record<UnaryKind, (x: number) => number>> = {
  neg: (x) => -x,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  // log(1 + eˣ) without overflow.
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  relu: (x) => Math.max(x, 0),
  step: (x) => (Number.isNaN(x) ? x : bit(x > 0)),
};

export const BINARY: Readonly<Record<BinaryKind, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  minimum: Math.min,
  maximum: Math.max,
  pow: (a, b) => a ** b,
  greater: (a, b) => bit(a > b),
  greaterEqual: (a, b) => bit(a >= b),
  less: (a, b) => bit(a < b),
  lessEqual: (a, b) => bit(a <= b),
  equal: (a, b) => bit(a === b),
  and: (a, b) => bit(a !== 0 && b !== 0),
};

/** C-order strides; 0 along axes that are broadcast to `shape`. */
function strides(from: readonly number[], shape: readonly number[]): number[] {
  const result = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (let axis = from.length - 1; axis >= 0; axis -= 1) {
    if (from[axis] !== 1) result[axis + shape.length - from.length] = stride;
    stride *= from[axis] as number;
  }
  return result;
}

/** Calls `visit(flat, index)` for every place of `shape` in C order; `index` is reused. */
function forEachIndex(shape: readonly number[], visit: (flat: number, index: readonly number[]) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const size = sizeOf(shape);
  for (let flat = 0; flat < size; flat += 1) {
    visit(flat, index);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, axis) => sum + value * (b[axis] as number), 0);

/** An array of `shape` gathered from `values` at the offsets `where` says. */
function gather(shape: readonly number[], values: Values, where: (index: readonly number[]) => number): Values {
  const result = new Float64Array(sizeOf(shape));
  forEachIndex(shape, (flat, index) => {
    result[flat] = values[where(index)] as number;
  });
  return result;
}

export function expand(values: Values, from: readonly number[], shape: readonly number[]): Values {
  if (values.length === sizeOf(shape)) return values;
  const steps = strides(from, shape);
  return gather(shape, values, (index) => dot(index, steps));
}

export function reduce(
  kind: 'sum' | 'mean' | 'max',
  values: Values,
  from: readonly number[],
  axes: readonly number[],
): Values {
  const kept = from.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const steps = strides(kept, from);
  const result = new Float64Array(sizeOf(kept)).fill(kind === 'max' ? -Infinity : 0);
  forEachIndex(from, (flat, index) => {
    const to = dot(index, steps);
    const [sum, value] = [result[to] as number, values[flat] as number];
    result[to] = kind === 'max' ? Math.max(sum, value) : sum + value;
  });
  return kind === 'mean' ? result.map((sum) => (sum * result.length) / values.length) : result;
}

/** op(A)·op(B) (+ bias), accumulated over the inner index in ascending order. */
export function matmul(node: Node, a: Values, b: Values, bias: Values | undefined): Values {
  if (node.op.kind !== 'matmul') throw new TypeError(`${node.op.kind} is not a matmul.`);
  const [left, right] = node.inputs as readonly [Node, Node];
  const [rows, columns] = node.shape as readonly [number, number];
  const { transposeA, transposeB } = node.op;
  const inner = left.shape[transposeA ? 0 : 1] as number;
  const [leftRow, leftInner] = transposeA ? [1, left.shape[1] as number] : [left.shape[1] as number, 1];
  const [rightInner, rightColumn] = transposeB ? [1, right.shape[1] as number] : [right.shape[1] as number, 1];
  const result = new Float64Array(rows * columns);
  if (bias !== undefined) result.set(expand(bias, (node.inputs[2] as Node).shape, node.shape));
  for (let row = 0; row < rows; row += 1) {
    for (let k = 0; k < inner; k += 1) {
      const value = a[row * leftRow + k * leftInner] as number;
      for (let column = 0; column < columns; column += 1) {
        const to = row * columns + column;
        result[to] = (result[to] as number) + value * (b[k * rightInner + column * rightColumn] as number);
      }
    }
  }
  return result;
}

export function transpose(
  values: Values,
  from: readonly number[],
  perm: readonly number[],
  shape: readonly number[],
): Values {
  const steps = cOrder(from);
  return gather(shape, values, (index) =>
    dot(
      index,
      perm.map((axis) => steps[axis] as number),
    ),
  );
}

/** Repeats the whole array along each axis. */
export function tile(values: Values, from: readonly number[], shape: readonly number[]): Values {
  const steps = cOrder(from);
  return gather(shape, values, (index) =>
    dot(
      index.map((place, axis) => place % (from[axis] as number)),
      steps,
    ),
  );
}

export function slice(
  values: Values,
  from: readonly number[],
  begin: readonly number[],
  shape: readonly number[],
): Values {
  const steps = cOrder(from);
  return gather(shape, values, (index) => dot(index, steps) + dot(begin, steps));
}

/** Puts `values` at `begin` of `target`. */
export function paste(
  target: Values,
  shape: readonly number[],
  values: Values,
  from: readonly number[],
  begin: readonly number[],
): void {
  const steps = cOrder(shape);
  const start = dot(begin, steps);
  forEachIndex(from, (flat, index) => {
    target[start + dot(index, steps)] = values[flat] as number;
  });
}

function cOrder(shape: readonly number[]): number[] {
  const result = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    result[axis] = stride;
    stride *= shape[axis] as number;
  }
  return result;
}
