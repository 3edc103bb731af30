// Updates of whole algorithms: the traced graph is what eager tfjs computes, and its gradients are those of central differences.
// Numbers and sizes come from fixed seeds: at fresh ones a pre-activation lies within rounding of a kink once in some hundred runs,
// and then float32 and float64 rightly differ.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/compute/reference/evaluate.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { runEagerly } from './eager.ts';
import { drawFor, gradientOf, type Sizes, updateOf } from './programs/program.ts';
import { ODD_SIZES, PROGRAMS } from './programs/programs.ts';
import { assertClose, worstGradientError } from './support.ts';

// float32 through some thirty operations deep; Adam divides by the root of a second moment of at least 0.01, so it adds no digits.
const FLOAT32 = { absolute: 2e-5, relative: 2e-4 };

const SMALL: Sizes = { batch: 3, observation: 2, action: 2, hidden: 4 };

function drawnSizes(seed: number): Sizes {
  const rng = Pcg64.fromSeed(seed);
  const upTo = (most: number): number => rng.integers(1, most + 1);
  return { batch: upTo(20), observation: upTo(18), action: upTo(7), hidden: upTo(40) };
}

for (const { name, make } of PROGRAMS) {
  for (const [index, sizes] of [ODD_SIZES, SMALL, drawnSizes(1), drawnSizes(2)].entries()) {
    test(`${name}: the traced update is the eager one, at sizes ${Object.values(sizes)}`, async () => {
      const update = make(sizes);
      const runnable = updateOf(update);
      const { inputs, state } = drawFor(update, runnable, Pcg64.fromSeed(100 + index));
      const traced = evaluate(trace(runnable.program, runnable.signature), inputs, state);
      const eager = await runEagerly(runnable.program, runnable.signature, inputs, state);
      for (const part of ['outputs', 'state'] as const) {
        for (const [tensor, values] of Object.entries(traced[part])) {
          assertClose(eager[part][tensor] as Float64Array, values, FLOAT32, tensor);
        }
      }
    });
  }

  for (const step of make(SMALL).steps) {
    test(`${name}: the gradient of the ${step.name} loss is that of central differences`, () => {
      const update = make(SMALL);
      const { program, signature } = gradientOf(update, step);
      const { inputs, state } = drawFor(update, { program, signature }, Pcg64.fromSeed(9));
      const graph = trace(program, signature);
      const { loss, ...gradients } = evaluate(graph, inputs, state).outputs;
      assert.ok(loss);
      const value = (at: typeof inputs): number =>
        (evaluate(graph, at, state).outputs['loss'] as Float64Array)[0] as number;
      const { error, where } = worstGradientError(value, inputs, gradients);
      assert.ok(error < 1e-6, where);
      for (const [parameter, gradient] of Object.entries(gradients)) {
        assert.ok(
          gradient.some((slope) => slope !== 0),
          `${parameter} is not trained`,
        );
      }
    });
  }
}
