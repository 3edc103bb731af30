// Arrays that repeat one number become that number, broadcast; factors of 1, terms of 0 and chains of factors go.
import { sizeOf } from '../../math/tensor.ts';
import type { Node } from '../graph.ts';
import { type MakeNode, sameShape, uniformValue } from '../nodes.ts';
import { type Pass, rewrite } from './rewrite.ts';

export const foldConstants: Pass = (graph) =>
  rewrite(graph, (node, make) => shrink(node, make) ?? neutral(node) ?? mergeFactors(node, make) ?? node);

const scalar = (make: MakeNode, value: number): Node =>
  make({ kind: 'constant', values: Float32Array.of(value) }, [], []);

function shrink(node: Node, make: MakeNode): Node | undefined {
  if (node.op.kind !== 'constant' || node.dtype !== 'float32' || sizeOf(node.shape) === 1) return undefined;
  const value = uniformValue(node);
  return value === undefined ? undefined : make({ kind: 'broadcast' }, [scalar(make, value)], node.shape);
}

/** x·1, x/1, x + 0, x − 0. The other operand must have the result's shape already. x·0 stays: it is NaN where x is. */
function neutral(node: Node): Node | undefined {
  const [a, b] = node.inputs;
  if (a === undefined || b === undefined) return undefined;
  const keep = (x: Node, other: Node, unit: number): Node | undefined =>
    uniformValue(other) === unit && sameShape(x.shape, node.shape) ? x : undefined;
  switch (node.op.kind) {
    case 'mul':
      return keep(a, b, 1) ?? keep(b, a, 1);
    case 'add':
      return keep(a, b, 0) ?? keep(b, a, 0);
    case 'div':
      return keep(a, b, 1);
    case 'sub':
      return keep(a, b, 0);
    default:
      return undefined;
  }
}

/** (x·c)·d = x·(c·d). Not bit for bit, since c·d is rounded to float32 first: half a unit in the last place of one factor. */
function mergeFactors(node: Node, make: MakeNode): Node | undefined {
  const outer = factor(node);
  const inner = outer === undefined ? undefined : factor(outer.x);
  if (outer === undefined || inner === undefined || !sameShape(inner.x.shape, node.shape)) return undefined;
  return make({ kind: 'mul' }, [inner.x, scalar(make, inner.value * outer.value)], node.shape);
}

/** x and c where the node is x·c with a number c. */
function factor(node: Node): { readonly x: Node; readonly value: number } | undefined {
  if (node.op.kind !== 'mul') return undefined;
  const [a, b] = node.inputs as readonly [Node, Node];
  const [left, right] = [uniformValue(a), uniformValue(b)];
  if (right !== undefined && left === undefined) return { x: a, value: right };
  return left !== undefined && right === undefined ? { x: b, value: left } : undefined;
}
