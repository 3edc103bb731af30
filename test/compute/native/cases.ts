// Programs to hold the native engine to: SAC updates of odd sizes, and graphs that move numbers about. Their numbers come from fixed
// seeds: at fresh ones a pre-activation lies within rounding of a ReLU's kink once in a hundred runs, and then float32 and float64
// rightly differ.
import * as tf from '@tensorflow/tfjs-core';
import type { Graph } from '../../../src/compute/graph.ts';
import type { Float64Record } from '../../../src/compute/reference/evaluate.ts';
import { trace } from '../../../src/compute/trace/trace.ts';
import type { Pcg64 } from '../../../src/math/pcg64.ts';
import { sacUpdate, spacesOf } from '../../support/sac-graph.ts';
import { uniform } from '../support.ts';

export interface Case {
  readonly graph: Graph;
  inputs(rng: Pcg64): Float64Record;
  state(rng: Pcg64): Float64Record;
}

interface SacSizes {
  readonly observation: number;
  readonly action: number;
  readonly hidden: readonly number[];
  readonly batch: number;
}

/** Inputs that are no samples, each as an update may have it. */
function settings(names: Iterable<string>): Float64Record {
  const values: Readonly<Record<string, number>> = {
    targetStep: 0.005,
    policyGate: 1,
    criticEpsilon: 1e-8,
    policyEpsilon: 1e-8,
  };
  return Object.fromEntries(
    Array.from(names).flatMap((name) => {
      const value = values[name] ?? (name.endsWith('Step') ? 1e-3 : undefined);
      return value === undefined ? [] : [[name, only(value)]];
    }),
  );
}

/** Off every vector width. */
export const RAGGED: SacSizes = { observation: 5, action: 3, hidden: [33, 47], batch: 37 };
export const TINY: SacSizes = { observation: 3, action: 1, hidden: [8], batch: 4 };

export function sacCase({ batch, ...sizes }: SacSizes, hyperparameters: Readonly<Record<string, unknown>> = {}): Case {
  const spaces = spacesOf(sizes.observation, sizes.action);
  const graph = sacUpdate(spaces, { hidden_sizes: sizes.hidden, batch_size: batch, ...hyperparameters });
  // As large as what comes in, so that signals neither vanish nor grow from layer to layer.
  const weight = 1 / Math.sqrt(Math.max(...sizes.hidden));
  return {
    graph,
    inputs: (rng) => {
      return { ...drawAll(graph.inputs, rng, -1, 1), ...settings(graph.inputs.keys()) };
    },
    // Second moments so large that a step does not hang on the sign of a gradient that is rounding noise.
    state: (rng) =>
      Object.fromEntries(
        [...graph.state].map(([name, { before }]) => [
          name,
          name.startsWith('v/') ? uniform(rng, before.shape, 0.01, 0.02) : uniform(rng, before.shape, -weight, weight),
        ]),
      ),
  };
}

const only = (value: number): Float64Array => Float64Array.of(Math.fround(value));

const drawAll = (
  nodes: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  rng: Pcg64,
  low: number,
  high: number,
): Record<string, Float64Array> =>
  Object.fromEntries([...nodes].map(([name, { shape }]) => [name, uniform(rng, shape, low, high)]));

/** Any graph on numbers between −1 and 1. */
export const plainCase = (graph: Graph): Case => ({
  graph,
  inputs: (rng) => drawAll(graph.inputs, rng, -1, 1),
  state: (rng) => drawAll(new Map([...graph.state].map(([name, { before }]) => [name, before])), rng, -1, 1),
});

/** m, k, n: tails of every width on each side, single rows and columns, rows that are shared among threads. */
const PRODUCTS = [
  [1, 17, 33],
  [33, 17, 1],
  [17, 1, 9],
  [9, 8, 7],
  [70, 31, 47],
  [2, 100, 3],
  [49, 65, 16],
] as const;

/** Products of ragged sizes in all four transpositions, with what may follow in their tiles. */
export function products(): Case {
  const shapes: Record<string, readonly number[]> = {};
  for (const [m, k, n] of PRODUCTS)
    for (const which of ['NN', 'NT', 'TN', 'TT']) {
      const name = `${m},${k},${n} ${which}`;
      shapes[`${name} a`] = which[0] === 'T' ? [k, m] : [m, k];
      shapes[`${name} b`] = which[1] === 'T' ? [n, k] : [k, n];
      shapes[`${name} c`] = [n];
    }
  const names = Object.keys(shapes).filter((name) => name.endsWith('a'));
  const graph = trace(
    (_, x) =>
      Object.fromEntries(
        names.map((name) => {
          const [a, b, c] = ['a', 'b', 'c'].map((end) => x[name.replace(/a$/, end)]) as [
            tf.Tensor,
            tf.Tensor,
            tf.Tensor,
          ];
          return [name, tf.relu(tf.add(tf.matMul(a, b, name.includes(' T'), name.includes('T a')), c))];
        }),
      ),
    { state: {}, inputs: shapes },
  );
  return plainCase(graph);
}

/** Padding, joining, repeating, turning, cutting and summing, of sizes off the vector widths and across their ends. */
export function movements(): Case {
  const graph = trace(
    ({ table, turned }, { a, b, c }) => {
      const wide = tf.concat([a, tf.tanh(a), b], 1);
      const padded = tf.pad(
        b,
        [
          [1, 2],
          [3, 0],
        ],
        0.5,
      ) as tf.Tensor2D;
      const cube = tf.pad(c, [
        [0, 1],
        [1, 1],
        [2, 3],
      ]);
      const square = tf.matMul(a, a, true);
      table.assign(tf.add(tf.mul(table, 0.5), tf.slice(wide, [1, 2], [17, 9])));
      turned.assign(tf.transpose(turned) as tf.Tensor);
      return {
        wide,
        padded,
        cube,
        tiled: tf.tile(tf.slice(a, [3, 1], [9, 5]), [2, 3]),
        turned: tf.transpose(c, [2, 0, 1]),
        corner: tf.slice(c, [1, 2, 3], [1, 3, 7]),
        last: tf.slice(wide, [36, 0], [1, -1]),
        rows: tf.sum(wide, 1),
        columns: tf.mean(padded, 0),
        most: tf.max(c, [0, 2]),
        middle: tf.sum(c, 1),
        total: tf.sum(tf.square(cube)),
        // [16, 40] · [40, 6], both made of parts.
        product: tf.matMul(
          tf.transpose(padded),
          tf.pad(tf.slice(wide, [0, 4], [37, 6]), [
            [0, 3],
            [0, 0],
          ]) as tf.Tensor2D,
        ),
        square,
        flat: tf.reshape(tf.transpose(square), [-1]),
        single: tf.neg(tf.slice(b, [36, 12], [1, 1])),
      };
    },
    { state: { table: [17, 9], turned: [19, 19] }, inputs: { a: [37, 7], b: [37, 13], c: [3, 5, 11] } },
  );
  return plainCase(graph);
}
