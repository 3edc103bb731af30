// The gradient of a split: each part padded with zeros to the whole, then all added. Side by side they are a concatenation.
import type { Node } from '../graph.ts';
import type { MakeNode } from '../nodes.ts';
import { type Pass, rewrite } from './rewrite.ts';

/** pad(a) + pad(b) = concat(a, b) where the one ends along an axis where the other begins. */
export const joinPads: Pass = (graph) =>
  rewrite(graph, (node, make) => {
    if (node.op.kind !== 'add') return node;
    const [a, b] = node.inputs as readonly [Node, Node];
    return joined(node, a, b, make) ?? joined(node, b, a, make) ?? node;
  });

function joined(sum: Node, first: Node, second: Node, make: MakeNode): Node | undefined {
  const [left, right] = [margins(first), margins(second)];
  if (left === undefined || right === undefined || left.axis !== right.axis) return undefined;
  const { axis } = left;
  const meets = left.before === 0 && right.after === 0 && left.after === sizeAlong(second, axis);
  return meets
    ? make({ kind: 'concat', axis }, [first.inputs[0] as Node, second.inputs[0] as Node], sum.shape)
    : undefined;
}

const sizeAlong = (pad: Node, axis: number): number => (pad.inputs[0] as Node).shape[axis] as number;

/** The one axis along which a node is padded with zeros, and how much on both sides. */
function margins({ op }: Node): { readonly axis: number; readonly before: number; readonly after: number } | undefined {
  if (op.kind !== 'pad' || op.value !== 0) return undefined;
  const padded = op.paddings.flatMap(([before, after], axis) => (before + after > 0 ? [{ axis, before, after }] : []));
  return padded.length === 1 ? padded[0] : undefined;
}
