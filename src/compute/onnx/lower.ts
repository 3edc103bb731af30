// A graph as an ONNX model: one case a kind of node. What runs it is engine.ts; the same bytes are a valid .onnx file.
import type { Tensor } from '../../math/tensor.ts';
import type { BinaryKind, Graph, Node, UnaryKind } from '../graph.ts';
import { isBinary, isUnary, roots, topological } from '../nodes.ts';
import { type ModelAbout, ModelWriter } from './model.ts';

/** Names in the model of what crosses the border. What the program never reads has none. */
export interface LoweredModel {
  readonly bytes: Uint8Array;
  readonly inputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
  /** `after` is absent where the program leaves the state as it is. */
  readonly state: ReadonlyMap<string, { readonly before?: string; readonly after?: string }>;
}

/** How a model that is kept as a file differs from one that is run here and now. */
export interface LowerOptions {
  /** Values of states by name: constants of the model instead of inputs. */
  readonly values: ReadonlyMap<string, Tensor<Float32Array>>;
  /** What the first dimension of every input and output is called, instead of the size it has; the rest of the graph must not depend on that. */
  readonly batch: string | null;
  readonly about: ModelAbout;
}

const RUN_HERE: LowerOptions = {
  values: new Map(),
  batch: null,
  about: { name: 'program', description: '', version: '', metadata: {} },
};

const UNARY: Readonly<Record<Exclude<UnaryKind, 'square' | 'step'>, string>> = {
  neg: 'Neg',
  abs: 'Abs',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  reciprocal: 'Reciprocal',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  softplus: 'Softplus',
  relu: 'Relu',
};

const BINARY: Readonly<Record<BinaryKind, string>> = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  minimum: 'Min',
  maximum: 'Max',
  pow: 'Pow',
  greater: 'Greater',
  greaterEqual: 'GreaterOrEqual',
  less: 'Less',
  lessEqual: 'LessOrEqual',
  equal: 'Equal',
  and: 'And',
};

const LARGEST_FLOAT = 3.4028234663852886e38;

const REDUCTION = { sum: 'ReduceSum', mean: 'ReduceMean' } as const;

/** Names in the model: inputs and outputs keep theirs; a state `s` is `s:before` and `s:after`, or `s` where its value is given. */
export function lower(graph: Graph, { values, batch, about }: LowerOptions = RUN_HERE): LoweredModel {
  const declared = (shape: readonly number[]) => (batch === null ? shape : [batch, ...shape.slice(1)]);
  const writer = new ModelWriter();
  const names = new Map<Node, string>();
  const order = topological(graph);
  const live = new Set(order);
  const inputs = new Map<string, string>();
  for (const [name, node] of graph.inputs) {
    if (!live.has(node)) continue;
    names.set(node, name);
    inputs.set(name, name);
    writer.input(name, declared(node.shape));
  }
  const befores = new Map<string, string>();
  for (const [name, { before, after }] of graph.state) {
    if (!live.has(before) || (before === after && !isRead(order, graph, before))) continue;
    const value = values.get(name);
    if (value !== undefined) {
      names.set(before, writer.constant(name, value.shape, value.data));
      continue;
    }
    names.set(before, `${name}:before`);
    befores.set(name, `${name}:before`);
    writer.input(`${name}:before`, before.shape);
  }
  // A root is computed straight under its outside name; only a second name, or a leaf, costs an Identity (a copy).
  const claimed = new Set<Node>();
  const aliases: [Node, string][] = [];
  const claim = (node: Node, name: string): string => {
    if (claimed.has(node) || node.op.kind === 'input' || node.op.kind === 'constant') aliases.push([node, name]);
    else names.set(node, name);
    claimed.add(node);
    writer.output(name, declared(node.shape));
    return name;
  };
  const outputs = new Map([...graph.outputs].map(([name, node]) => [name, claim(node, name)] as const));
  const state = new Map<string, { before?: string; after?: string }>();
  for (const [name, { before, after }] of graph.state) {
    const inside = befores.get(name);
    const changed = before === after ? undefined : claim(after, `${name}:after`);
    state.set(name, {
      ...(inside === undefined ? {} : { before: inside }),
      ...(changed === undefined ? {} : { after: changed }),
    });
  }
  for (const node of order) {
    if (node.op.kind === 'input') continue;
    const output = names.get(node) ?? `n${node.id}`;
    names.set(node, output);
    write(
      writer,
      node,
      node.inputs.map((input) => names.get(input) as string),
      output,
    );
  }
  for (const [node, name] of aliases) writer.node('Identity', [names.get(node) as string], name);
  return { bytes: writer.encode(about), inputs, outputs, state };
}

function isRead(order: readonly Node[], graph: Graph, node: Node): boolean {
  const others = roots(graph).filter((root) => root === node).length > 1;
  return others || order.some((reader) => reader.inputs.includes(node));
}

function write(writer: ModelWriter, node: Node, inputs: readonly string[], output: string): void {
  const { op, shape } = node;
  const x = inputs[0] as string;
  const from = node.inputs[0]?.shape ?? [];
  if (isUnary(op)) {
    unary(writer, op.kind, x, output);
    return;
  }
  if (isBinary(op)) {
    writer.node(BINARY[op.kind], inputs, output);
    return;
  }
  switch (op.kind) {
    case 'input':
      return;
    case 'constant':
      writer.constant(output, shape, op.values, node.dtype);
      return;
    case 'select':
      writer.node('Where', inputs, output);
      return;
    case 'clip':
      writer.node('Clip', [x, writer.scalar(op.min), writer.scalar(op.max)], output);
      return;
    case 'cast':
      writer.node('Cast', inputs, output, { to: { int: node.dtype === 'bool' ? 9 : 1 } });
      return;
    case 'max':
      largest(writer, op, x, output);
      return;
    case 'sum':
    case 'mean':
      if (isColumnSum(node)) columnSum(writer, node, x, output);
      else
        writer.node(REDUCTION[op.kind], op.axes.length === 0 ? [x] : [x, writer.integers(op.axes)], output, {
          keepdims: { int: op.keepDims ? 1 : 0 },
          ...(op.axes.length > 0 ? {} : { noop_with_empty_axes: { int: 1 } }),
        });
      return;
    case 'matmul':
      writer.node('Gemm', inputs, output, {
        transA: { int: op.transposeA ? 1 : 0 },
        transB: { int: op.transposeB ? 1 : 0 },
      });
      return;
    case 'reshape':
      writer.node('Reshape', [x, writer.integers(shape)], output);
      return;
    case 'broadcast':
      writer.node('Expand', [x, writer.integers(shape)], output);
      return;
    case 'tile':
      writer.node('Tile', [x, writer.integers(op.reps)], output);
      return;
    case 'transpose':
      writer.node('Transpose', inputs, output, { perm: { ints: op.perm } });
      return;
    case 'concat':
      writer.node('Concat', inputs, output, { axis: { int: op.axis } });
      return;
    case 'slice': {
      // Only the axes that are cut: fewer to walk over.
      const axes = from.map((_, axis) => axis).filter((axis) => from[axis] !== shape[axis]);
      if (axes.length === 0) {
        writer.node('Identity', inputs, output);
        return;
      }
      const begin = axes.map((axis) => op.begin[axis] as number);
      const end = axes.map((axis) => (op.begin[axis] as number) + (shape[axis] as number));
      writer.node('Slice', [x, writer.integers(begin), writer.integers(end), writer.integers(axes)], output);
      return;
    }
    case 'pad': {
      const pads = [...op.paddings.map(([before]) => before), ...op.paddings.map(([, after]) => after)];
      writer.node('Pad', [x, writer.integers(pads), writer.scalar(op.value)], output);
      return;
    }
    default:
      op satisfies never;
      throw new TypeError(`Unknown op ${JSON.stringify(op)}.`);
  }
}

function unary(writer: ModelWriter, kind: UnaryKind, x: string, output: string): void {
  switch (kind) {
    case 'square':
      writer.node('Mul', [x, x], output);
      return;
    case 'step':
      // max(0, min(1, αx)) with the largest float as α: 1 for every positive normal number (a denormal one gives less than 1).
      // One pass of 25 µs for 256 × 256 where `Greater` and `Cast` take 47, and `Sign` 112.
      writer.node('HardSigmoid', [x], output, { alpha: { float: LARGEST_FLOAT }, beta: { float: 0 } });
      return;
    default:
      writer.node(UNARY[kind], [x], output);
  }
}

/** onnxruntime's `ReduceMax` passes over NaN, as IEEE 754's maxNum does; here NaN must stay visible. */
function largest(
  writer: ModelWriter,
  { axes, keepDims }: { readonly axes: readonly number[]; readonly keepDims: boolean },
  x: string,
  output: string,
): void {
  const reduce = (from: string, to: string): string =>
    writer.node('ReduceMax', axes.length === 0 ? [from] : [from, writer.integers(axes)], to, {
      keepdims: { int: keepDims ? 1 : 0 },
    });
  const isNan = writer.node('IsNaN', [x], `${output}:nan`);
  const flags = writer.node('Cast', [isNan], `${output}:flags`, { to: { int: 1 } });
  const any = writer.node('Cast', [reduce(flags, `${output}:flag`)], `${output}:any`, { to: { int: 9 } });
  writer.node('Where', [any, writer.scalar(Number.NaN), reduce(x, `${output}:max`)], output);
}

/** A bias's gradient: the sum over the rows of a matrix of several columns. */
function isColumnSum({ op, inputs }: Node): boolean {
  const from = inputs[0]?.shape ?? [];
  return op.kind === 'sum' && from.length === 2 && op.axes.length === 1 && op.axes[0] === 0 && (from[1] as number) > 1;
}

/** As 1ᵀ·X: onnxruntime's product of a row and a matrix runs at memory speed, its `ReduceSum` over rows does not (13 and 87 µs for 256 × 256). */
function columnSum(writer: ModelWriter, node: Node, x: string, output: string): void {
  const rows = (node.inputs[0] as Node).shape[0] as number;
  const ones = writer.constant(`ones:${rows}`, [1, rows], new Float32Array(rows).fill(1));
  const product = writer.node('Gemm', [ones, x], node.shape.length === 2 ? output : `${output}:row`);
  if (node.shape.length !== 2) writer.node('Reshape', [product, writer.integers(node.shape)], output);
}
