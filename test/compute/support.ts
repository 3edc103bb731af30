// What the compute and agent tests share: float64 inputs that float32 can hold, comparing with a reason.
import assert from 'node:assert/strict';
import type { Program } from '../../src/compute/engine.ts';
import type { Graph } from '../../src/compute/graph.ts';
import type { Float64Record } from '../../src/compute/reference/evaluate.ts';
import type { Pcg64 } from '../../src/math/pcg64.ts';
import { sizeOf } from '../../src/math/tensor.ts';

/** Uniform numbers in [low, high), rounded to float32 so that every engine gets the same ones. */
export function uniform(rng: Pcg64, shape: readonly number[], low: number, high: number): Float64Array {
  const values = new Float32Array(sizeOf(shape));
  rng.fillUniform(values, low, high);
  return Float64Array.from(values);
}

/** Numbers of [low, high), no two of them closer than (high − low)/size and none near a fraction of eighths of the range: a step of
 * 1e-7 to either side meets neither a tie between them nor a kink at 0, ±½ or ±1. */
export function spaced(
  rng: Pcg64,
  shapes: Readonly<Record<string, readonly number[]>>,
  low: number,
  high: number,
): Record<string, Float64Array> {
  const total = Object.values(shapes).reduce((sum, shape) => sum + sizeOf(shape), 0);
  const places = Array.from({ length: total }, (_, place) => place);
  const draws = uniform(rng, [total], 0, 1);
  places.sort((a, b) => (draws[a] as number) - (draws[b] as number));
  let used = 0;
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const chosen = places.slice(used, used + sizeOf(shape));
      used += chosen.length;
      return [name, Float64Array.from(chosen, (place) => Math.fround(low + ((high - low) * (place + 0.41)) / total))];
    }),
  );
}

/** Every number within `absolute + relative·|expected|`; NaN only where NaN is expected. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute, relative }: { readonly absolute: number; readonly relative: number },
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  for (let index = 0; index < expected.length; index += 1) {
    const [a, e] = [actual[index] as number, expected[index] as number];
    if (Object.is(a, e) || a === e) continue;
    assert.ok(Math.abs(a - e) <= absolute + relative * Math.abs(e), `${what}[${index}]: ${a}, expected ${e}`);
  }
}

export function setAll(program: Program, graph: Graph, inputs: Float64Record, state: Float64Record): void {
  for (const [name, values] of Object.entries(inputs)) program.inputs[name]?.set(values);
  program.setState(
    Object.fromEntries(
      [...graph.state].map(([name, { before }]) => [
        name,
        { shape: before.shape, data: Float32Array.from(state[name] as Float64Array) },
      ]),
    ),
  );
}

/**
 * The largest |analytic − numeric| / (1 + |numeric|) over every number of `gradients`, with central differences in float64. Their step
 * is so small that a kink of ReLU or of a minimum hardly ever lies within it; rounding leaves 1e-16/1e-7 of the loss, 1e-9, where
 * tests ask for 1e-6.
 */
export function worstGradientError(
  loss: (inputs: Float64Record) => number,
  inputs: Float64Record,
  gradients: Float64Record,
): { readonly error: number; readonly where: string } {
  const step = 1e-7;
  let worst = { error: 0, where: '' };
  for (const [name, gradient] of Object.entries(gradients)) {
    const values = inputs[name] as Float64Array;
    for (let index = 0; index < values.length; index += 1) {
      const at = (delta: number): number => {
        const moved = values.slice();
        moved[index] = (moved[index] as number) + delta;
        return loss({ ...inputs, [name]: moved });
      };
      const numeric = (at(step) - at(-step)) / (2 * step);
      const error = Math.abs((gradient[index] as number) - numeric) / (1 + Math.abs(numeric));
      if (!(error <= worst.error))
        worst = { error, where: `${name}[${index}]: ${gradient[index]}, by differences ${numeric}` };
    }
  }
  return worst;
}
