// The seed of what a test draws. `SEED=… npm test` gives every test the same one, so that what failed can be repeated.
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';

/** Drawn at every call, unless `SEED` says which. Say it in the name of the test, or take `freshSeed`. */
export function drawSeed(): number {
  return Number(process.env['SEED'] ?? randomInt(1_000_000));
}

/** A seed that is printed. */
export function freshSeed(context: TestContext): number {
  const seed = drawSeed();
  context.diagnostic(`SEED=${seed}`);
  return seed;
}
