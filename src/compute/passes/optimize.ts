// The passes in their order. Dead code needs none: a graph is what its outputs and next state reach.
import { commonSubexpressions } from './common-subexpressions.ts';
import { foldConstants } from './constants.ts';
import { biasIntoProducts, outerProducts, sliceBeforeProducts } from './products.ts';
import type { Pass } from './rewrite.ts';
import { simplifyShapes } from './shapes.ts';

const PASSES: readonly Pass[] = [
  foldConstants,
  simplifyShapes,
  commonSubexpressions,
  // After duplicates are gone: these three look at who else reads a product.
  outerProducts,
  sliceBeforeProducts,
  biasIntoProducts,
  // What they made can be simplified and shared in its turn.
  foldConstants,
  simplifyShapes,
  commonSubexpressions,
];

export const optimize: Pass = (graph) => PASSES.reduce((current, pass) => pass(current), graph);
