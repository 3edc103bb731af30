// The passes in their order. Dead code needs none: a graph is what its outputs and next state reach.
import type { Graph } from '../graph.ts';
import { commonSubexpressions } from './common-subexpressions.ts';
import { foldConstants } from './constants.ts';
import { joinPads } from './pads.ts';
import { biasIntoProducts, outerProducts, sliceBeforeProducts } from './products.ts';
import type { Pass } from './rewrite.ts';
import { simplifyShapes } from './shapes.ts';

const PASSES: readonly (readonly [string, Pass])[] = [
  ['fold-constants', foldConstants],
  ['simplify-shapes', simplifyShapes],
  ['join-pads', joinPads],
  ['common-subexpressions', commonSubexpressions],
  // After duplicates are gone: these three look at who else reads a product.
  ['outer-products', outerProducts],
  ['slice-before-products', sliceBeforeProducts],
  ['bias-into-products', biasIntoProducts],
  // What they made can be simplified and shared in its turn.
  ['fold-constants', foldConstants],
  ['simplify-shapes', simplifyShapes],
  ['common-subexpressions', commonSubexpressions],
];

/** All passes; `observe` is shown the graph after each. */
export function optimize(graph: Graph, observe?: (pass: string, after: Graph) => void): Graph {
  let current = graph;
  for (const [name, pass] of PASSES) {
    current = pass(current);
    observe?.(name, current);
  }
  return current;
}
