// Runs the nodes of a SavedModel in float64, each by its definition in TensorFlow's documentation (https://www.tensorflow.org/api_docs/python/tf/raw_ops):
// slow, and written from that alone. Nodes run in an order drawn at random among those that the edges allow.
import assert from 'node:assert/strict';
import type { Pcg64 } from '../../../src/math/pcg64.ts';
import type { AttributeValue, Constant, ModelNode, SavedModel } from './saved-model.ts';

/** Row-major. */
export interface Value {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Values of variables by `shared_name`. */
export type Variables = Map<string, Value>;

const BOOL = 10;

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Every index of `shape`, in row-major order. */
function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (prefixes, size) => prefixes.flatMap((prefix) => Array.from({ length: size }, (_, index) => [...prefix, index])),
    [[]],
  );
}

const place = (shape: readonly number[], index: readonly number[]): number =>
  index.reduce((sum, at, axis) => sum * (shape[axis] as number) + at, 0);

/** The element at `index` of what `value` is once it is broadcast to an array that has that index. */
function at({ shape, data }: Value, index: readonly number[]): number {
  const own = index.slice(index.length - shape.length).map((position, axis) => (shape[axis] === 1 ? 0 : position));
  return data[place(shape, own)] as number;
}

const build = (shape: readonly number[], element: (index: readonly number[]) => number): Value => ({
  shape,
  data: indices(shape).map(element),
});

function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = new Set(shapes.map((shape) => shape[axis - rank + shape.length] ?? 1));
    sizes.delete(1);
    assert.ok(sizes.size < 2, `[${shapes.join('] [')}] do not broadcast`);
    return [...sizes][0] ?? 1;
  });
}

function elementwise(apply: (...numbers: number[]) => number, ...values: Value[]): Value {
  const shape = broadcast(values.map((value) => value.shape));
  const size = sizeOf(shape);
  // No index to find where all are arrays of one shape, or single numbers.
  if (values.every(({ data }) => data.length === size || data.length === 1)) {
    const read = ({ data }: Value, position: number): number => data[data.length === 1 ? 0 : position] as number;
    const data = Array.from({ length: size }, (_, position) => apply(...values.map((value) => read(value, position))));
    return { shape, data };
  }
  return build(shape, (index) => apply(...values.map((value) => at(value, index))));
}

const truth = (holds: boolean): number => (holds ? 1 : 0);

/** Of float32, element by element. */
const MAPS: Readonly<Record<string, (...numbers: number[]) => number>> = {
  Neg: (x = 0) => -x,
  Abs: (x = 0) => Math.abs(x),
  Exp: (x = 0) => Math.exp(x),
  Log: (x = 0) => Math.log(x),
  Sqrt: (x = 0) => Math.sqrt(x),
  Square: (x = 0) => x * x,
  Reciprocal: (x = 0) => 1 / x,
  Tanh: (x = 0) => Math.tanh(x),
  Sigmoid: (x = 0) => 1 / (1 + Math.exp(-x)),
  Softplus: (x = 0) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  Relu: (x = 0) => Math.max(x, 0),
  Sign: (x = 0) => Math.sign(x),
  AddV2: (x = 0, y = 0) => x + y,
  Sub: (x = 0, y = 0) => x - y,
  Mul: (x = 0, y = 0) => x * y,
  RealDiv: (x = 0, y = 0) => x / y,
  Minimum: (x = 0, y = 0) => Math.min(x, y),
  Maximum: (x = 0, y = 0) => Math.max(x, y),
  Pow: (x = 0, y = 0) => x ** y,
  Greater: (x = 0, y = 0) => truth(x > y),
  GreaterEqual: (x = 0, y = 0) => truth(x >= y),
  Less: (x = 0, y = 0) => truth(x < y),
  LessEqual: (x = 0, y = 0) => truth(x <= y),
  Equal: (x = 0, y = 0) => truth(x === y),
  LogicalAnd: (x = 0, y = 0) => truth(x !== 0 && y !== 0),
  SelectV2: (condition = 0, x = 0, y = 0) => (condition !== 0 ? x : y),
  ClipByValue: (x = 0, low = 0, high = 0) => Math.min(Math.max(x, low), high),
  Identity: (x = 0) => x,
  DeepCopy: (x = 0) => x,
  PlaceholderWithDefault: (x = 0) => x,
};

const REDUCTIONS: Readonly<Record<string, (numbers: readonly number[]) => number>> = {
  Sum: (numbers) => numbers.reduce((sum, x) => sum + x, 0),
  Mean: (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length,
  Max: (numbers) => numbers.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY),
};

/** Ops that need more attributes than their types, by what must be there: TensorFlow takes nothing for granted in a written node. */
export const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  Const: ['dtype', 'value'],
  Placeholder: ['dtype'],
  PlaceholderWithDefault: ['dtype', 'shape'],
  VarHandleOp: ['dtype', 'shape'],
  ReadVariableOp: ['dtype'],
  AssignVariableOp: ['dtype'],
  Fill: ['T', 'index_type'],
  ResourceStridedSliceAssign: ['T', 'Index'],
  ResourceGather: ['dtype', 'Tindices'],
  Cast: ['SrcT', 'DstT'],
  LogicalAnd: [],
  Reshape: ['T', 'Tshape'],
  Slice: ['T', 'Index'],
  BroadcastTo: ['T', 'Tidx'],
  Tile: ['T', 'Tmultiples'],
  Transpose: ['T', 'Tperm'],
  PadV2: ['T', 'Tpaddings'],
  ConcatV2: ['N', 'T', 'Tidx'],
  Sum: ['T', 'Tidx', 'keep_dims'],
  Mean: ['T', 'Tidx', 'keep_dims'],
  Max: ['T', 'Tidx', 'keep_dims'],
  MatMul: ['T', 'transpose_a', 'transpose_b'],
};

/** What the nodes `fetches` give. `feeds` are values of placeholders; `variables` change as the nodes that run say. */
export function runNodes(
  { nodes }: SavedModel,
  feeds: ReadonlyMap<string, Value>,
  fetches: readonly string[],
  variables: Variables,
  rng: Pcg64,
): Value[] {
  const values = new Map<string, Value>();
  const running = [...needed(nodes, fetches)];
  const before = new Map(running.map((node) => [node.name, new Set([...node.inputs, ...node.after])]));
  const ready = running.filter(({ name }) => before.get(name)?.size === 0);
  const readers = new Map<string, ModelNode[]>(running.map(({ name }) => [name, []]));
  for (const node of running) for (const name of before.get(node.name) ?? []) readers.get(name)?.push(node);
  while (ready.length > 0) {
    const [node] = ready.splice(Math.floor(rng.random() * ready.length), 1) as [ModelNode];
    const inputs = node.inputs.map((name) => values.get(name) as Value);
    values.set(node.name, compute(node, inputs, feeds, nodes, variables));
    for (const reader of readers.get(node.name) ?? []) {
      const missing = before.get(reader.name);
      missing?.delete(node.name);
      if (missing?.size === 0) ready.push(reader);
    }
  }
  assert.equal(values.size, running.length, 'a cycle');
  return fetches.map((name) => values.get(name) as Value);
}

function needed(nodes: ReadonlyMap<string, ModelNode>, fetches: readonly string[]): Set<ModelNode> {
  const found = new Set<ModelNode>();
  const visit = (name: string): void => {
    const node = nodes.get(name);
    assert.ok(node, `there is no node ${name}`);
    if (found.has(node)) return;
    found.add(node);
    for (const input of [...node.inputs, ...node.after]) visit(input);
  };
  fetches.forEach(visit);
  return found;
}

function compute(
  { name, op, inputs: from, attributes }: ModelNode,
  inputs: readonly Value[],
  feeds: ReadonlyMap<string, Value>,
  nodes: ReadonlyMap<string, ModelNode>,
  variables: Variables,
): Value {
  const [x, y, z] = inputs as readonly [Value, Value, Value];
  const shapeOf = (value: AttributeValue | undefined): readonly number[] =>
    (value as { shape: readonly number[] }).shape;
  const shared = (): string => nodes.get(from[0] as string)?.attributes.get('shared_name') as string;
  const map = MAPS[op];
  if (map !== undefined) return elementwise(map, ...inputs);
  const reduction = REDUCTIONS[op];
  if (reduction !== undefined) return reduce(reduction, x, y.data, attributes.get('keep_dims') === true);
  switch (op) {
    case 'Const': {
      const { shape, values } = attributes.get('value') as Constant;
      return { shape, data: values };
    }
    case 'Placeholder': {
      const fed = feeds.get(name);
      assert.ok(fed, `${name} is not fed`);
      // −1 = any size.
      const declared = shapeOf(attributes.get('shape')).map((size, axis) => (size === -1 ? fed.shape[axis] : size));
      assert.deepEqual(fed.shape, declared, name);
      return fed;
    }
    case 'VarHandleOp':
      return { shape: [], data: [] };
    case 'ReadVariableOp': {
      const value = variables.get(shared());
      assert.ok(value, `${name}: ${shared()} has no value yet`);
      return value;
    }
    case 'AssignVariableOp':
      assert.deepEqual(y.shape, shapeOf(nodes.get(from[0] as string)?.attributes.get('shape')), name);
      variables.set(shared(), y);
      return y;
    case 'Fill':
      return build(x.data, () => y.data[0] as number);
    case 'ResourceStridedSliceAssign': {
      const [begin = 0, end = 0, stride] = inputs.slice(1, 4).map(({ data }) => data[0]);
      const [value, rows] = [variables.get(shared()), inputs[4]];
      assert.ok(value && rows, name);
      const [count = 0, ...row] = value.shape;
      assert.ok(stride === 1 && begin >= 0 && end <= count, name);
      assert.deepEqual(rows.shape, [end - begin, ...row], name);
      const size = sizeOf(row);
      const data = [...value.data.slice(0, begin * size), ...rows.data, ...value.data.slice(end * size)];
      variables.set(shared(), { shape: value.shape, data });
      return rows;
    }
    case 'ResourceGather': {
      const value = variables.get(shared());
      assert.ok(value, name);
      const [count = 0, ...row] = value.shape;
      const size = sizeOf(row);
      const data = y.data.flatMap((number) => {
        assert.ok(Number.isInteger(number) && number >= 0 && number < count, `${name}: there is no row ${number}`);
        return value.data.slice(number * size, (number + 1) * size);
      });
      return { shape: [...y.shape, ...row], data };
    }
    case 'Reshape': {
      const known = sizeOf(y.data.filter((length) => length !== -1));
      const shape = y.data.map((length) => (length === -1 ? x.data.length / known : length));
      assert.equal(sizeOf(shape), x.data.length, name);
      return { shape, data: x.data };
    }
    case 'BroadcastTo':
      return build(y.data, (index) => at(x, index));
    case 'Slice': {
      // −1 = up to the end.
      const shape = z.data.map((size, axis) =>
        size === -1 ? (x.shape[axis] as number) - (y.data[axis] as number) : size,
      );
      return build(shape, (index) =>
        at(
          x,
          index.map((position, axis) => position + (y.data[axis] as number)),
        ),
      );
    }
    case 'Tile':
      return build(
        x.shape.map((size, axis) => size * (y.data[axis] as number)),
        (index) =>
          at(
            x,
            index.map((position, axis) => position % (x.shape[axis] as number)),
          ),
      );
    case 'Transpose':
      return build(
        y.data.map((axis) => x.shape[axis] as number),
        (index) =>
          at(
            x,
            x.shape.map((_, axis) => index[y.data.indexOf(axis)] as number),
          ),
      );
    case 'PadV2': {
      assert.deepEqual(y.shape, [x.shape.length, 2], name);
      const before = x.shape.map((_, axis) => y.data[2 * axis] as number);
      const padded = x.shape.map((size, axis) => size + (before[axis] as number) + (y.data[2 * axis + 1] as number));
      return build(padded, (index) => {
        const inside = index.map((position, axis) => position - (before[axis] as number));
        const within = inside.every((position, axis) => position >= 0 && position < (x.shape[axis] as number));
        return within ? at(x, inside) : (z.data[0] as number);
      });
    }
    case 'ConcatV2': {
      assert.equal(attributes.get('N'), inputs.length - 1, name);
      assert.ok(inputs.length > 2, 'ConcatV2 wants two or more');
      return concat(inputs.slice(0, -1), inputs.at(-1)?.data[0] as number);
    }
    case 'MatMul': {
      assert.deepEqual([x.shape.length, y.shape.length], [2, 2], name);
      return product(x, y, attributes.get('transpose_a') === true, attributes.get('transpose_b') === true);
    }
    case 'Cast':
      return attributes.get('DstT') === BOOL ? elementwise((a = 0) => truth(a !== 0), x) : x;
    case 'BiasAdd':
      assert.deepEqual(y.shape, [x.shape.at(-1)], name);
      return elementwise((a = 0, b = 0) => a + b, x, y);
    default:
      throw new RangeError(`${name}: ${op} is not known here.`);
  }
}

/** Where an operand is transposed, its rows are what stands in its columns. */
function product(a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value {
  const sides = ({ shape: [rows = 0, columns = 0] }: Value, turn: boolean): readonly [number, number] =>
    turn ? [columns, rows] : [rows, columns];
  const [[m, inner], [k, n]] = [sides(a, transposeA), sides(b, transposeB)];
  assert.equal(inner, k);
  const data = Array.from({ length: m * n }, (_, position) => {
    const [i, j] = [Math.floor(position / n), position % n];
    let sum = 0;
    for (let l = 0; l < inner; l += 1)
      sum +=
        (a.data[transposeA ? l * m + i : i * inner + l] as number) *
        (b.data[transposeB ? j * inner + l : l * n + j] as number);
    return sum;
  });
  return { shape: [m, n], data };
}

function reduce(
  apply: (numbers: readonly number[]) => number,
  x: Value,
  axes: readonly number[],
  keepDims: boolean,
): Value {
  if (axes.length === 0) return x;
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const groups = Array.from({ length: sizeOf(kept) }, (): number[] => []);
  for (const [position, index] of indices(x.shape).entries()) {
    const to = place(
      kept,
      index.map((at, axis) => (axes.includes(axis) ? 0 : at)),
    );
    groups[to]?.push(x.data[position] as number);
  }
  const shape = keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
  return { shape, data: groups.map(apply) };
}

function concat(parts: readonly Value[], axis: number): Value {
  const first = parts[0] as Value;
  const length = parts.reduce((sum, { shape }) => sum + (shape[axis] as number), 0);
  const shape = first.shape.map((size, dimension) => (dimension === axis ? length : size));
  return build(shape, (index) => {
    let position = index[axis] as number;
    for (const part of parts) {
      const size = part.shape[axis] as number;
      if (position < size)
        return at(
          part,
          index.map((own, dimension) => (dimension === axis ? position : own)),
        );
      position -= size;
    }
    throw new RangeError('beyond the last part');
  });
}
