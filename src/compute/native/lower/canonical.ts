// The optimised graph in the few forms that C is generated from: fewer kinds of nodes, not fewer operations.
import { sizeOf } from '../../../math/tensor.ts';
import type { Node } from '../../graph.ts';
import { type MakeNode, uniformValue } from '../../nodes.ts';
import { type Pass, rewrite } from '../../passes/rewrite.ts';

export const canonical: Pass = (graph) => stepsOfRelus(rewrite(graph, simplify));

function simplify(node: Node, make: MakeNode): Node {
  const [x, y] = node.inputs;
  switch (node.op.kind) {
    case 'mean': {
      // A sum and a factor: the factor joins the element-wise work that follows.
      const sum = make({ ...node.op, kind: 'sum' }, node.inputs, node.shape);
      const factor = sizeOf(node.shape) / sizeOf((x as Node).shape);
      return make({ kind: 'mul' }, [sum, scalar(make, factor)], node.shape);
    }
    case 'matmul': {
      // The bias is element-wise work too.
      const [a, b, bias] = node.inputs;
      if (bias === undefined) return node;
      return make({ kind: 'add' }, [make(node.op, [a as Node, b as Node], node.shape), bias], node.shape);
    }
    case 'square':
      return make({ kind: 'mul' }, [x as Node, x as Node], node.shape);
    case 'div': {
      const divisor = uniformValue(y as Node);
      // Exact where 1/d is, and a multiplication takes a tenth of the time.
      return divisor !== undefined && Number.isInteger(Math.log2(Math.abs(divisor)))
        ? make({ kind: 'mul' }, [x as Node, scalar(make, 1 / divisor)], node.shape)
        : node;
    }
    default:
      return node;
  }
}

const scalar = (make: MakeNode, value: number): Node =>
  make({ kind: 'constant', values: Float32Array.of(value) }, [], []);

/** step(x) = step(relu(x)): where relu(x) is there already, x need not be kept for the gradient. */
const stepsOfRelus: Pass = (graph) => {
  const relus = new Map<number, Node>();
  return rewrite(graph, (node) => {
    const x = node.inputs[0];
    if (node.op.kind === 'relu') relus.set((x as Node).id, node);
    const relu = node.op.kind === 'step' ? relus.get((x as Node).id) : undefined;
    return relu === undefined ? node : { ...node, inputs: [relu] };
  });
};
