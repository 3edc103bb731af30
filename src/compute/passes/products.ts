// Matrix products: a bias is added inside, a product of a column and a row is a multiplication, columns not needed are not computed.
import type { Graph, Node } from '../graph.ts';
import { isElementwise, type MakeNode, sameShape, useCounts } from '../nodes.ts';
import { type Pass, rewrite } from './rewrite.ts';

/** A·B + b with b [n] or [1, n] is one product with a bias, where nothing else reads A·B. */
export const biasIntoProducts: Pass = (graph) => {
  const single = soleReaders(graph);
  return rewrite(graph, (node, make) => {
    if (node.op.kind !== 'add') return node;
    const [a, b] = node.inputs as readonly [Node, Node];
    return withBias(node, a, b, single, make) ?? withBias(node, b, a, single, make) ?? node;
  });
};

function withBias(
  sum: Node,
  product: Node,
  bias: Node,
  single: (node: Node) => boolean,
  make: MakeNode,
): Node | undefined {
  if (product.op.kind !== 'matmul' || product.inputs.length !== 2 || !single(product)) return undefined;
  const columns = product.shape[1] as number;
  const isRow = sameShape(bias.shape, [columns]) || sameShape(bias.shape, [1, columns]);
  return isRow && sameShape(sum.shape, product.shape)
    ? make(product.op, [...product.inputs, bias], product.shape)
    : undefined;
}

/** Ids are kept by `rewrite` where a node does not change, so counts of the graph before hold for the product and its sum. */
function soleReaders(graph: Graph): (node: Node) => boolean {
  const counts = new Map([...useCounts(graph)].map(([node, count]) => [node.id, count] as const));
  return (node) => counts.get(node.id) === 1;
}

/** [m, 1]·[1, n]: an outer product is m·n multiplications, which a blocked kernel does far below its rate. */
export const outerProducts: Pass = (graph) =>
  rewrite(graph, (node, make) => {
    if (node.op.kind !== 'matmul' || node.inputs.length !== 2) return node;
    const [a, b] = node.inputs as readonly [Node, Node];
    const [rows, columns] = node.shape as readonly [number, number];
    if ((a.shape[0] as number) * (a.shape[1] as number) !== rows) return node;
    return make({ kind: 'mul' }, [reshaped(a, [rows, 1], make), reshaped(b, [1, columns], make)], node.shape);
  });

const reshaped = (node: Node, shape: readonly number[], make: MakeNode): Node =>
  sameShape(node.shape, shape) ? node : make({ kind: 'reshape' }, [node], shape, node.dtype);

/** Columns sliced from A·B are A times columns sliced from B: the gradient of actions does not compute that of observations. */
export const sliceBeforeProducts: Pass = (graph) => {
  const single = soleReaders(graph);
  /** Columns `first` … `first + count − 1` of a matrix, cut as far up as nothing else reads what is cut. */
  const columnsOf = (node: Node, first: number, count: number, make: MakeNode): Node => {
    const shape = [node.shape[0] as number, count];
    if (single(node) && node.op.kind === 'matmul' && node.inputs.length === 2) {
      const [a, b] = node.inputs as readonly [Node, Node];
      const { transposeB } = node.op;
      const size = transposeB ? [count, b.shape[1] as number] : [b.shape[0] as number, count];
      return make(node.op, [a, make({ kind: 'slice', begin: transposeB ? [first, 0] : [0, first] }, [b], size)], shape);
    }
    if (single(node) && isElementwise(node.op) && node.inputs.every((input) => sameShape(input.shape, node.shape))) {
      return make(
        node.op,
        node.inputs.map((input) => columnsOf(input, first, count, make)),
        shape,
        node.dtype,
      );
    }
    return make({ kind: 'slice', begin: [0, first] }, [node], shape, node.dtype);
  };
  return rewrite(graph, (node, make) => {
    const source = node.inputs[0];
    if (node.op.kind !== 'slice' || source?.shape.length !== 2 || source.shape[0] !== node.shape[0]) return node;
    const [, first] = node.op.begin as readonly [number, number];
    const cut = columnsOf(source, first, node.shape[1] as number, make);
    return cut.op.kind === 'slice' ? node : cut;
  });
};
