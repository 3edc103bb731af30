// The walk that every pass is written on: a graph rebuilt bottom-up, one node at a time.
import type { Graph, Node } from '../graph.ts';
import { type MakeNode, nodeMaker, sameShape, topological } from '../nodes.ts';

export type Pass = (graph: Graph) => Graph;

/** What replaces `node` (its inputs already replaced); `node` itself to keep it. `make` gives new nodes. */
export type Rule = (node: Node, make: MakeNode) => Node;

/** The graph with every node replaced by what `rule` makes of it. Inputs and states keep their nodes. */
export function rewrite(graph: Graph, rule: Rule): Graph {
  const order = topological(graph);
  const make = nodeMaker(1 + order.reduce((highest, node) => Math.max(highest, node.id), 0));
  const replaced = new Map<Node, Node>();
  for (const node of order) {
    const inputs = node.inputs.map((input) => replaced.get(input) as Node);
    const same = inputs.every((input, index) => input === node.inputs[index]);
    const rebuilt = same ? node : { ...node, inputs };
    const result = node.op.kind === 'input' ? node : rule(rebuilt, make);
    if (!sameShape(result.shape, node.shape) || result.dtype !== node.dtype) {
      throw new RangeError(
        `A pass changed node ${node.id} (${node.op.kind}) from ${node.dtype}[${node.shape}] to ${result.dtype}[${result.shape}].`,
      );
    }
    replaced.set(node, result);
  }
  const after = (node: Node): Node => replaced.get(node) as Node;
  return {
    inputs: graph.inputs,
    outputs: new Map([...graph.outputs].map(([name, node]) => [name, after(node)])),
    state: new Map(
      [...graph.state].map(([name, state]) => [name, { before: state.before, after: after(state.after) }]),
    ),
  };
}
