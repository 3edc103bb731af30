// Reshapes, broadcasts, slices and reductions that move no number go; broadcasts sink below the element-wise work.
import { sizeOf } from '../../math/tensor.ts';
import type { Node } from '../graph.ts';
import { broadcastShape, isElementwise, type MakeNode, sameShape } from '../nodes.ts';
import { type Pass, rewrite } from './rewrite.ts';

export const simplifyShapes: Pass = (graph) => rewrite(graph, (node, make) => simplify(node, make) ?? node);

function simplify(node: Node, make: MakeNode): Node | undefined {
  const { op, shape } = node;
  if (isElementwise(op))
    return op.kind === 'cast' && node.inputs[0]?.dtype === node.dtype ? node.inputs[0] : sink(node, make);
  const x = node.inputs[0];
  if (x === undefined) return undefined;
  switch (op.kind) {
    case 'reshape':
      return reshape(node, x, make);
    case 'broadcast':
      if (sameShape(x.shape, shape)) return x;
      return x.op.kind === 'broadcast' ? make(op, x.inputs, shape, node.dtype) : undefined;
    case 'sum':
    case 'mean':
    case 'max':
      // A reduction over axes of length 1 only drops them.
      return op.axes.every((axis) => x.shape[axis] === 1)
        ? reshape(make({ kind: 'reshape' }, [x], shape), x, make)
        : undefined;
    case 'slice':
    case 'tile':
    case 'pad':
      return sameShape(x.shape, shape) ? x : undefined;
    case 'transpose':
      return op.perm.every((axis, place) => axis === place) ? x : undefined;
    case 'concat':
      return node.inputs.length === 1 ? x : undefined;
    default:
      return undefined;
  }
}

/** A reshape of a reshape is one; one to the shape that is there is none; of a constant, or of one broadcast number, it moves inside. */
function reshape(node: Node, x: Node, make: MakeNode): Node {
  if (sameShape(x.shape, node.shape)) return x;
  const source = x.inputs[0];
  if (x.op.kind === 'reshape' && source !== undefined)
    return reshape(make(node.op, [source], node.shape, node.dtype), source, make);
  if (x.op.kind === 'constant') return make(x.op, [], node.shape, node.dtype);
  if (x.op.kind === 'broadcast' && source !== undefined && sizeOf(source.shape) === 1) {
    const number = reshape(make({ kind: 'reshape' }, [source], [], node.dtype), source, make);
    return make({ kind: 'broadcast' }, [number], node.shape, node.dtype);
  }
  return node;
}

/** f(broadcast(x), y) = broadcast(f(x, y)): computed before it is repeated, and not repeated at all where y has the full shape. */
function sink(node: Node, make: MakeNode): Node | undefined {
  if (!node.inputs.some((input) => input.op.kind === 'broadcast')) return undefined;
  const inputs = node.inputs.map((input) => (input.op.kind === 'broadcast' ? (input.inputs[0] as Node) : input));
  const shape = inputs.map((input) => input.shape).reduce((a, b) => broadcastShape(a, b));
  const small = make(node.op, inputs, shape, node.dtype);
  return sameShape(shape, node.shape) ? small : make({ kind: 'broadcast' }, [small], node.shape, node.dtype);
}
