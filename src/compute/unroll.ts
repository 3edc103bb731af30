// Several calls of a graph as one. What runs it pays once for a call, and state goes out and comes in once.
import type { Graph, Node } from './graph.ts';
import { nodeMaker, topological } from './nodes.ts';

/** `graph`, `calls` times in a row: each begins with the state that the one before left. What call i takes and gives is called `i/name`, from 0. */
export function unroll(graph: Graph, calls: number): Graph {
  const order = topological(graph);
  const make = nodeMaker(1 + order.reduce((highest, { id }) => Math.max(highest, id), 0));
  const inputs = new Map<string, Node>();
  const outputs = new Map<string, Node>();
  const states = [...graph.state.values()];
  let current: readonly Node[] = states.map(({ before }) => before);
  for (let call = 0; call < calls; call += 1) {
    const copies = new Map(states.map(({ before }, index) => [before, current[index] as Node]));
    const copy = (node: Node): Node => copies.get(node) as Node;
    for (const [name, node] of graph.inputs) {
      const input = make({ kind: 'input', name: `${call}/${name}` }, [], node.shape);
      copies.set(node, input);
      inputs.set(`${call}/${name}`, input);
    }
    for (const node of order) {
      if (copies.has(node)) continue;
      const isShared = node.op.kind === 'constant';
      copies.set(node, isShared ? node : make(node.op, node.inputs.map(copy), node.shape, node.dtype));
    }
    for (const [name, node] of graph.outputs) outputs.set(`${call}/${name}`, copy(node));
    current = states.map(({ after }) => copy(after));
  }
  const state = [...graph.state].map(
    ([name, { before }], index) => [name, { before, after: current[index] as Node }] as const,
  );
  return { inputs, outputs, state: new Map(state) };
}
