// Making and walking graph nodes. Knows no engine, no tracer and no pass.
import { sizeOf } from '../math/tensor.ts';
import {
  BINARY_KINDS,
  type BinaryKind,
  type DType,
  type Graph,
  type Node,
  type Op,
  UNARY_KINDS,
  type UnaryKind,
} from './graph.ts';

export type MakeNode = (op: Op, inputs: readonly Node[], shape: readonly number[], dtype?: DType) => Node;

/** A maker of nodes whose ids count up from `first`. */
export function nodeMaker(first = 0): MakeNode {
  let next = first;
  return (op, inputs, shape, dtype = 'float32') => ({ id: next++, op, inputs, shape: [...shape], dtype });
}

const UNARY: ReadonlySet<string> = new Set(UNARY_KINDS);
const BINARY: ReadonlySet<string> = new Set(BINARY_KINDS);

export const isUnary = (op: Op): op is Extract<Op, { kind: UnaryKind }> => UNARY.has(op.kind);
export const isBinary = (op: Op): op is Extract<Op, { kind: BinaryKind }> => BINARY.has(op.kind);

/** Each element is computed from those at its place in the inputs, as numpy broadcasts them. */
export const isElementwise = (op: Op): boolean =>
  isUnary(op) || isBinary(op) || op.kind === 'select' || op.kind === 'clip' || op.kind === 'cast';

/** The nodes that outputs and the next state come from. */
export function roots(graph: Graph): Node[] {
  return [...graph.outputs.values(), ...[...graph.state.values()].map(({ after }) => after)];
}

/**
 * Every node that the outputs and the next state need, each after its inputs. What they do not need is dead code and is not
 * in the list: a graph has no other way to hold it.
 */
export function topological(graph: Graph): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const input of node.inputs) visit(input);
    order.push(node);
  };
  for (const root of roots(graph)) visit(root);
  return order;
}

/** Who reads each node, and how often: a node used twice by one reader counts twice. Roots count as one reader more. */
export function useCounts(graph: Graph): Map<Node, number> {
  const counts = new Map<Node, number>();
  const count = (node: Node): void => void counts.set(node, (counts.get(node) ?? 0) + 1);
  for (const node of topological(graph)) node.inputs.forEach(count);
  roots(graph).forEach(count);
  return counts;
}

/** The one number that fills a constant (through reshapes and broadcasts), or undefined. */
export function uniformValue(node: Node): number | undefined {
  if (node.op.kind === 'reshape' || node.op.kind === 'broadcast') return uniformValue(node.inputs[0] as Node);
  if (node.op.kind !== 'constant') return undefined;
  const { values } = node.op;
  const first = values[0];
  return values.every((value) => Object.is(value, first)) ? first : undefined;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** The numpy broadcast of two shapes. Throws a `RangeError` where there is none. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) throw new RangeError(`Shapes [${a}] and [${b}] do not broadcast.`);
    return left === 1 ? right : left;
  });
}

/** Floating-point operations of a graph's matrix products: 2·m·k·n each. */
export function matmulFlops(graph: Graph): number {
  return topological(graph)
    .filter((node) => node.op.kind === 'matmul')
    .reduce((sum, node) => {
      const { op, inputs, shape } = node;
      const a = inputs[0] as Node;
      const inner = a.shape[op.kind === 'matmul' && op.transposeA ? 0 : 1] as number;
      return sum + 2 * sizeOf(shape) * inner;
    }, 0);
}
