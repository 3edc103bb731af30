// The noise of starts, in the order in which Gymnasium draws it: element by element, positions before velocities.
import type { Pcg64 } from '../../math/pcg64.ts';

/** Adds to each element a uniform number in [−halfWidth, halfWidth). */
export function addUniform(values: Float64Array, rng: Pcg64, halfWidth: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) + rng.uniform(-halfWidth, halfWidth);
}

/** Adds to each element a normal number of this standard deviation. */
export function addNormal(values: Float64Array, rng: Pcg64, deviation: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) + deviation * rng.standardNormal();
}
