// Runs a graph in float64: the oracle of gradient checks and of every engine's error bound. Not for training.
import { sizeOf } from '../../math/tensor.ts';
import type { Graph, Node } from '../graph.ts';
import { isBinary, isUnary, topological } from '../nodes.ts';
import { BINARY, expand, matmul, paste, reduce, slice, tile, transpose, UNARY } from './ops.ts';

export type Float64Record = Readonly<Record<string, Float64Array>>;

/** Outputs and next state for inputs and state, all in C order. Throws a `RangeError` naming an array that is missing or of another size. */
export function evaluate(
  graph: Graph,
  inputs: Float64Record,
  state: Float64Record,
): { outputs: Float64Record; state: Float64Record } {
  const values = new Map<Node, Float64Array>();
  const place = (what: string, name: string, node: Node, data: Float64Array | undefined): void => {
    if (data?.length !== sizeOf(node.shape)) {
      throw new RangeError(
        `The ${what} "${name}" has shape [${node.shape}]; it was given ${data?.length ?? 'no'} numbers.`,
      );
    }
    values.set(node, data);
  };
  for (const [name, node] of graph.inputs) place('input', name, node, inputs[name]);
  for (const [name, { before }] of graph.state) place('state', name, before, state[name]);
  for (const node of topological(graph)) {
    if (!values.has(node))
      values.set(
        node,
        compute(
          node,
          node.inputs.map((input) => values.get(input) as Float64Array),
        ),
      );
  }
  const read = (node: Node): Float64Array => Float64Array.from(values.get(node) as Float64Array);
  return {
    outputs: Object.fromEntries([...graph.outputs].map(([name, node]) => [name, read(node)])),
    state: Object.fromEntries([...graph.state].map(([name, { after }]) => [name, read(after)])),
  };
}

function compute(node: Node, inputs: readonly Float64Array[]): Float64Array {
  const { op, shape } = node;
  const x = inputs[0] as Float64Array;
  const from = node.inputs[0]?.shape ?? [];
  const expanded = (): Float64Array[] =>
    node.inputs.map((input, place) => expand(inputs[place] as Float64Array, input.shape, shape));
  if (isUnary(op)) return x.map(UNARY[op.kind]);
  if (isBinary(op)) {
    const [a, b] = expanded() as [Float64Array, Float64Array];
    const apply = BINARY[op.kind];
    return Float64Array.from(a, (value, index) => apply(value, b[index] as number));
  }
  switch (op.kind) {
    case 'input':
      throw new RangeError(`The graph reads "${op.name}", which is neither an input nor state.`);
    case 'constant':
      return Float64Array.from(op.values);
    case 'select': {
      const [condition, t, e] = expanded() as [Float64Array, Float64Array, Float64Array];
      return Float64Array.from(condition, (chosen, index) => (chosen === 0 ? e : t)[index] as number);
    }
    case 'clip':
      return x.map((value) => Math.min(Math.max(value, op.min), op.max));
    case 'cast':
      return node.dtype === 'bool' ? x.map((value) => (value === 0 ? 0 : 1)) : x;
    case 'sum':
    case 'mean':
    case 'max':
      return reduce(op.kind, x, from, op.axes);
    case 'matmul':
      return matmul(node, x, inputs[1] as Float64Array, inputs[2]);
    case 'reshape':
      return x;
    case 'broadcast':
      return expand(x, from, shape);
    case 'tile':
      return tile(x, from, shape);
    case 'transpose':
      return transpose(x, from, op.perm, shape);
    case 'slice':
      return slice(x, from, op.begin, shape);
    case 'concat': {
      const result = new Float64Array(sizeOf(shape));
      let start = 0;
      for (const [index, input] of node.inputs.entries()) {
        paste(
          result,
          shape,
          inputs[index] as Float64Array,
          input.shape,
          shape.map((_, axis) => (axis === op.axis ? start : 0)),
        );
        start += input.shape[op.axis] as number;
      }
      return result;
    }
    case 'pad': {
      const result = new Float64Array(sizeOf(shape)).fill(op.value);
      paste(
        result,
        shape,
        x,
        from,
        op.paddings.map(([before]) => before),
      );
      return result;
    }
    default:
      op satisfies never;
      throw new TypeError(`Unknown op ${JSON.stringify(op)}.`);
  }
}
