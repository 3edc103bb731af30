// A graph as a TensorFlow SavedModel: one case a kind of node. Its state lives in resource variables; the signature `update` is a
// call, `write` and `read` are the state's way in and out. What runs it is engine.ts.
//
// TensorFlow runs what a fetched node needs, in any order that its edges allow. So the output of `update` waits for every assignment,
// or those would never run; and an assignment waits for the one read of its variable, or the read could see the next state.
// What is fed is JavaScript's own memory, and a variable keeps the tensor that it is given: so all that is fed is copied first.
import { sizeOf } from '../../math/tensor.ts';
import type { Tables } from '../engine.ts';
import type { BinaryKind, Graph, Node, UnaryKind } from '../graph.ts';
import { isBinary, isUnary, topological } from '../nodes.ts';
import { type Attribute, ModelWriter, plain } from './model.ts';
import { type LoweredTables, writeGather, writeTables } from './tables.ts';

/** A SavedModel and the names in it of what crosses the border. */
export interface LoweredModel {
  readonly bytes: Uint8Array;
  /** All inputs in one vector, since each fed tensor costs; absent where the program reads none. */
  readonly input: string | undefined;
  /** All outputs in one vector. To fetch it is to make the call. */
  readonly output: string;
  readonly state: ReadonlyMap<string, { readonly read: string; readonly write: string }>;
  /** To fetch it is to write the whole state. */
  readonly written: string;
  readonly tables: LoweredTables | undefined;
  /** What is packed into `input`: the inputs of the graph, but in place of those that are rows of tables the numbers of these. */
  readonly fed: Shaped;
  readonly inputs: Packing;
  readonly outputs: Packing;
}

/** Arrays by their names. */
export type Shaped = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** Where each array begins in the vector that holds all of them, in numbers. */
export interface Packing {
  readonly offsets: ReadonlyMap<string, number>;
  readonly length: number;
}

const INPUT = 'input';

/** TensorFlow cuts a vector without a copy where a piece begins at a multiple of 64 bytes. */
const ALIGNMENT = 16;

const UNARY: Readonly<Record<Exclude<UnaryKind, 'step'>, string>> = {
  neg: 'Neg',
  abs: 'Abs',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  square: 'Square',
  reciprocal: 'Reciprocal',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  softplus: 'Softplus',
  relu: 'Relu',
};

const BINARY: Readonly<Record<BinaryKind, string>> = {
  add: 'AddV2',
  sub: 'Sub',
  mul: 'Mul',
  div: 'RealDiv',
  minimum: 'Minimum',
  maximum: 'Maximum',
  pow: 'Pow',
  greater: 'Greater',
  greaterEqual: 'GreaterEqual',
  less: 'Less',
  lessEqual: 'LessEqual',
  equal: 'Equal',
  and: 'LogicalAnd',
};

const REDUCTION = { sum: 'Sum', mean: 'Mean', max: 'Max' } as const;

const FLOAT = { type: 'float32' } as const;
const INT = { type: 'int32' } as const;
const BOOL = { type: 'bool' } as const;

/** `device` is TensorFlow's name of where every node runs; null = where TensorFlow likes. */
export function lower(graph: Graph, device: string | null = null, tables?: Tables): LoweredModel {
  const writer = new ModelWriter(device);
  const order = topological(graph);
  const names = new Map<Node, string>();
  const gathers = tables?.gathers ?? {};
  const fed = fedTo(graph, gathers);
  const inputs = pack(fed, ALIGNMENT);
  const outputs = pack(graph.outputs, 1);
  const kept = tables && writeTables(writer, graph, tables);
  const live = new Set(order);
  const read = [...graph.inputs].filter(([, node]) => live.has(node));
  const pieces = writeInputs(writer, fed, inputs, new Set(read.map(([name]) => gathers[name]?.by ?? name)));
  for (const [name, node] of read) {
    const gather = gathers[name];
    const piece = pieces.get(gather?.by ?? name) as string;
    const table = kept?.tables.get(gather?.table ?? '');
    names.set(node, table === undefined ? piece : writeGather(writer, table, piece, `gather/${plain(name)}`));
  }
  const input = read.length === 0 ? undefined : INPUT;
  const state = new Map(
    [...graph.state].map(([name, { before }], index) => [name, variable(writer, name, index, before)]),
  );
  for (const [name, { before }] of graph.state) names.set(before, state.get(name)?.read as string);
  for (const node of order) {
    if (node.op.kind === 'input') continue;
    const operands = node.inputs.map((operand) => names.get(operand) as string);
    names.set(node, write(writer, node, operands, `n${node.id}`));
  }
  const assigned: string[] = [];
  for (const [name, { before, after }] of graph.state) {
    if (before === after) continue;
    const { handle, read, prefix } = state.get(name) as Variable;
    const attributes = { dtype: FLOAT };
    assigned.push(
      writer.node('AssignVariableOp', [handle, names.get(after) as string], `${prefix}/assign`, attributes, [read]),
    );
  }
  const output = writeOutputs(writer, graph, names, assigned);
  const written = writer.node(
    'Identity',
    [writer.scalar(0)],
    'written',
    { T: FLOAT },
    [...state.values()].map(({ writes }) => writes),
  );
  const shapes = [...graph.state].map(([name, { before }]) => [name, before.shape] as const);
  writer.signature('update', input === undefined ? {} : { input: [input, [inputs.length]] }, {
    output: [output, [outputs.length]],
  });
  writer.signature(
    'read',
    {},
    Object.fromEntries(shapes.map(([name, shape]) => [name, [state.get(name)?.read as string, shape]])),
  );
  writer.signature(
    'write',
    Object.fromEntries(shapes.map(([name, shape]) => [name, [state.get(name)?.write as string, shape]])),
    { written: [written, []] },
  );
  return { bytes: writer.encode(), input, output, state, written, tables: kept, fed, inputs, outputs };
}

/** In the order of the graph. */
function fedTo({ inputs }: Graph, gathers: Tables['gathers']): Shaped {
  return new Map(
    [...inputs].map(([name, { shape }]) => {
      const gather = gathers[name];
      return gather === undefined ? [name, { shape }] : [gather.by, { shape: shape.slice(0, 1) }];
    }),
  );
}

function pack(nodes: Shaped, alignment: number): Packing {
  let length = 0;
  const offsets = new Map<string, number>();
  for (const [name, { shape }] of nodes) {
    offsets.set(name, length);
    length += Math.ceil(sizeOf(shape) / alignment) * alignment;
  }
  return { offsets, length };
}

interface Variable {
  /** Of the names of its nodes. */
  readonly prefix: string;
  readonly handle: string;
  /** Its value before the call. */
  readonly read: string;
  /** The placeholder of a value from outside, and the assignment of that. */
  readonly write: string;
  readonly writes: string;
}

function variable(writer: ModelWriter, name: string, index: number, { shape }: Node): Variable {
  const prefix = `state/${index}/${plain(name)}`;
  const handle = writer.node('VarHandleOp', [], prefix, {
    dtype: FLOAT,
    shape: { shape },
    shared_name: { string: prefix },
    container: { string: '' },
  });
  const read = writer.node('ReadVariableOp', [handle], `${prefix}/read`, { dtype: FLOAT });
  const write = writer.node('Placeholder', [], `${prefix}/write`, { dtype: FLOAT, shape: { shape } });
  const copy = writer.node('DeepCopy', [write], `${prefix}/copy`, { T: FLOAT });
  const writes = writer.node('AssignVariableOp', [handle, copy], `${prefix}/writes`, { dtype: FLOAT });
  return { prefix, handle, read, write, writes };
}

/** The placeholder `INPUT`, and the piece of it that is each array of `read`. */
function writeInputs(
  writer: ModelWriter,
  fed: Shaped,
  { offsets, length }: Packing,
  read: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const pieces = new Map<string, string>();
  if (read.size === 0) return pieces;
  const all = writer.node('Placeholder', [], INPUT, { dtype: FLOAT, shape: { shape: [length] } });
  const copy = writer.node('DeepCopy', [all], 'inputs', { T: FLOAT });
  for (const [index, name] of [...read].entries()) {
    const { shape } = fed.get(name) as { readonly shape: readonly number[] };
    const prefix = `input/${index}/${plain(name)}`;
    const [begin, size] = [writer.integers([offsets.get(name) as number]), writer.integers([sizeOf(shape)])];
    const piece = writer.node('Slice', [copy, begin, size], `${prefix}/flat`, { T: FLOAT, Index: INT });
    pieces.set(name, reshape(writer, piece, shape, prefix));
  }
  return pieces;
}

/** The vector of all outputs, which is there once every assignment was made. */
function writeOutputs(
  writer: ModelWriter,
  { outputs }: Graph,
  names: ReadonlyMap<Node, string>,
  assigned: readonly string[],
): string {
  const flat = [...outputs].map(([name, node], index) => {
    const prefix = `output/${index}/${plain(name)}`;
    const value = names.get(node) as string;
    const floats =
      node.dtype === 'float32' ? value : writer.node('Cast', [value], `${prefix}/float`, { SrcT: BOOL, DstT: FLOAT });
    return reshape(writer, floats, [sizeOf(node.shape)], prefix);
  });
  const joined = flat.length === 0 ? writer.scalar(0) : concat(writer, flat, 0, FLOAT, 'outputs');
  return writer.node('Identity', [joined], 'output', { T: FLOAT }, assigned);
}

function write(writer: ModelWriter, node: Node, inputs: readonly string[], name: string): string {
  const { op, shape, dtype } = node;
  const x = inputs[0] as string;
  const first = node.inputs[0];
  const T = { type: first?.dtype ?? dtype } as const;
  if (isUnary(op)) return unary(writer, op.kind, x, name);
  if (isBinary(op)) return writer.node(BINARY[op.kind], inputs, name, op.kind === 'and' ? {} : { T });
  switch (op.kind) {
    case 'input':
      throw new TypeError('An input has no operation of its own.');
    case 'constant':
      return writer.constant(name, shape, op.values, dtype);
    case 'select':
      return writer.node('SelectV2', inputs, name, { T: { type: dtype } });
    case 'clip':
      return writer.node('ClipByValue', [x, writer.scalar(op.min), writer.scalar(op.max)], name, { T });
    case 'cast':
      return writer.node('Cast', inputs, name, { SrcT: T, DstT: { type: dtype } });
    case 'sum':
    case 'mean':
    case 'max':
      return writer.node(REDUCTION[op.kind], [x, writer.integers(op.axes)], name, {
        T,
        Tidx: INT,
        keep_dims: { bool: op.keepDims },
      });
    case 'matmul':
      return product(writer, node, inputs, name);
    case 'reshape':
      return reshape(writer, x, shape, name, T);
    case 'broadcast':
      return writer.node('BroadcastTo', [x, writer.integers(shape)], name, { T, Tidx: INT });
    case 'tile':
      return writer.node('Tile', [x, writer.integers(op.reps)], name, { T, Tmultiples: INT });
    case 'transpose':
      return writer.node('Transpose', [x, writer.integers(op.perm)], name, { T, Tperm: INT });
    case 'concat':
      return concat(writer, inputs, op.axis, T, name);
    case 'slice':
      return writer.node('Slice', [x, writer.integers(op.begin), writer.integers(shape)], name, { T, Index: INT });
    case 'pad': {
      const paddings = writer.integers(op.paddings.flat(), [op.paddings.length, 2]);
      return writer.node('PadV2', [x, paddings, writer.scalar(op.value)], name, { T, Tpaddings: INT });
    }
    default:
      op satisfies never;
      throw new TypeError(`Unknown op ${JSON.stringify(op)}.`);
  }
}

function unary(writer: ModelWriter, kind: UnaryKind, x: string, name: string): string {
  if (kind === 'relu') return writer.once(`${x}/relu`, (relu) => writer.node('Relu', [x], relu, { T: FLOAT }));
  if (kind !== 'step') return writer.node(UNARY[kind], [x], name, { T: FLOAT });
  // Not a comparison with 0, which would make NaN a 0; and of the ReLU, so that nothing else reads what goes into that: TensorFlow
  // makes it a part of the product then.
  return writer.node('Sign', [unary(writer, 'relu', x, name)], name, { T: FLOAT });
}

/** TensorFlow makes one kernel of a product, a vector of biases and a ReLU; of another sum it does not. */
function product(writer: ModelWriter, { op, inputs, shape }: Node, names: readonly string[], name: string): string {
  if (op.kind !== 'matmul') throw new TypeError(`${op.kind} is not a product.`);
  const [a, b, bias] = names as readonly [string, string, string | undefined];
  const attributes = { T: FLOAT, transpose_a: { bool: op.transposeA }, transpose_b: { bool: op.transposeB } };
  if (bias === undefined) return writer.node('MatMul', [a, b], name, attributes);
  const multiplied = writer.node('MatMul', [a, b], `${name}/product`, attributes);
  const columns = shape[1] as number;
  const from = (inputs[2] as Node).shape;
  if (sizeOf(from) !== columns || from.at(-1) !== columns)
    return writer.node('AddV2', [multiplied, bias], name, { T: FLOAT });
  const vector = from.length === 1 ? bias : reshape(writer, bias, [columns], `${name}/bias`);
  return writer.node('BiasAdd', [multiplied, vector], name, { T: FLOAT, data_format: { string: 'NHWC' } });
}

function reshape(writer: ModelWriter, x: string, shape: readonly number[], name: string, T: Attribute = FLOAT): string {
  return writer.node('Reshape', [x, writer.integers(shape)], name, { T, Tshape: INT });
}

function concat(writer: ModelWriter, inputs: readonly string[], axis: number, T: Attribute, name: string): string {
  const attributes = { N: { int: inputs.length }, T, Tidx: INT };
  // TensorFlow refuses to join less than two.
  if (inputs.length === 1) return writer.node('Identity', inputs, name, { T });
  return writer.node('ConcatV2', [...inputs, writer.integers([axis], [])], name, attributes);
}
