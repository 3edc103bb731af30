// Nodes that compute the same thing from the same inputs become one: the forward pass that a gradient repeats, for one.
import type { Node, Op } from '../graph.ts';
import { type Pass, rewrite } from './rewrite.ts';

export const commonSubexpressions: Pass = (graph) => {
  const known = new Map<string, Node>();
  return rewrite(graph, (node) => {
    const key = `${fingerprint(node.op)}|${node.inputs.map((input) => input.id)}|${node.shape}|${node.dtype}`;
    const twin = known.get(key);
    if (twin !== undefined) return twin;
    known.set(key, node);
    return node;
  });
};

/** Equal for equal ops. A constant is its bits: −0 and 0 differ, as 1/x would. */
function fingerprint(op: Op): string {
  if (op.kind !== 'constant')
    return JSON.stringify(op, (_key, value: unknown) => (typeof value === 'number' ? String(value) : value));
  const { buffer, byteOffset, byteLength } = op.values;
  return `constant ${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}`;
}
