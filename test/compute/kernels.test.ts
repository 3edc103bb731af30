// Every traced kernel, forward: eager tfjs and the float64 reference agree. And backward: against central differences.
// The engines run the same cases in conformance.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { evaluate } from '../../src/compute/reference/evaluate.ts';
import { traceableKernels } from '../../src/compute/trace/kernels.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { freshSeed } from '../support/seed.ts';
import { COMPOSED_CASES, KERNEL_CASES, type KernelCase } from './kernel-cases.ts';
import { assertClose, spaced, worstGradientError } from './support.ts';

// float32 has 1.2e-7; transcendental functions in tfjs are good to a few units of it, sums here have ≤ 40 terms.
const FLOAT32 = { absolute: 3e-6, relative: 1e-5 };

const sizes = fc.record({
  m: fc.integer({ min: 1, max: 5 }),
  n: fc.integer({ min: 1, max: 9 }),
  k: fc.integer({ min: 1, max: 8 }),
  seed: fc.nat(),
});

function draw(one: KernelCase, { m, n, k, seed }: { m: number; n: number; k: number; seed: number }) {
  const rng = Pcg64.fromSeed(seed);
  const shapes = Object.fromEntries(one.shapes(m, n, k).map((shape, index) => [`x${index}`, shape]));
  const [low, high] = one.range ?? [-2, 2];
  return { shapes, inputs: spaced(rng, shapes, low, high) };
}

test('every kernel that can be traced has a case', () => {
  assert.deepEqual([...new Set(KERNEL_CASES.map(({ kernel }) => kernel))].sort(), traceableKernels());
});

const CASES = [...KERNEL_CASES, ...COMPOSED_CASES];

for (const [index, one] of CASES.entries()) {
  test(`${one.kernel} (${index}) computes what eager tfjs computes`, async (context) => {
    const seed = freshSeed(context);
    await fc.assert(
      fc.asyncProperty(sizes, async (drawn) => {
        const { shapes, inputs } = draw(one, drawn);
        await tf.setBackend('cpu');
        const eager = tf.tidy(() =>
          one
            .compute(
              ...Object.entries(shapes).map(([name, shape]) =>
                tf.tensor(Float32Array.from(inputs[name] as Float64Array), [...shape]),
              ),
            )
            .dataSync(),
        );
        const graph = trace((_, x) => ({ y: one.compute(...Object.values(x)) }), { state: {}, inputs: shapes });
        const reference = evaluate(graph, inputs, {}).outputs['y'] as Float64Array;
        assertClose(eager, reference, FLOAT32, 'tfjs');
      }),
      { seed, numRuns: 6, includeErrorInReport: true },
    );
  });
}

for (const [index, one] of CASES.entries()) {
  if (one.smooth === false) continue;
  test(`the gradient of ${one.kernel} (${index}) is that of central differences`, (context) => {
    const seed = freshSeed(context);
    fc.assert(
      fc.property(sizes, (drawn) => {
        const { shapes, inputs } = draw(one, drawn);
        const names = Object.keys(shapes);
        const graph = trace(
          (_, x) => {
            // Weighted by its place, so that a gradient in the wrong place is seen.
            const loss = (...tensors: tf.Tensor[]): tf.Tensor => {
              const y = one.compute(...tensors);
              const weights = Float32Array.from({ length: y.size }, (_unused, place) => Math.cos(place + 1));
              return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)));
            };
            const { value, grads } = tf.valueAndGrads(loss)(Object.values(x));
            return {
              loss: value,
              ...Object.fromEntries(grads.map((gradient, place) => [names[place] as string, gradient])),
            };
          },
          { state: {}, inputs: shapes },
        );
        const { loss, ...gradients } = evaluate(graph, inputs, {}).outputs;
        assert.ok(loss);
        const value = (at: typeof inputs): number =>
          (evaluate(graph, at, {}).outputs['loss'] as Float64Array)[0] as number;
        const { error, where } = worstGradientError(value, inputs, gradients);
        assert.ok(error < 1e-6, where);
      }),
      { seed, numRuns: 4, includeErrorInReport: true },
    );
  });
}
