// Finite Markov decision processes to plan on, and what planning on them must find: value iteration, written anew from its
// equation on the plain table, so that it shares nothing with what it checks.
import type { TabularModel, Transition } from '../../src/envs/tabular-model.ts';
import type { Pcg64 } from '../../src/math/pcg64.ts';

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

function randomSimplex(rng: Pcg64, size: number): number[] {
  const weights = times(size, () => rng.random() + 1e-3);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Some states, some actions, up to four outcomes each, of which one in six ends the episode. */
export function randomModel(rng: Pcg64): TabularModel {
  const [states, actions] = [rng.integers(1, 9), rng.integers(1, 5)];
  const outcomes = (): Transition[] =>
    randomSimplex(rng, rng.integers(1, 5)).map((p) => [
      p,
      rng.integers(0, states),
      10 * rng.random() - 5,
      rng.random() < 1 / 6,
    ]);
  return {
    states,
    actions,
    transitions: times(states, () => times(actions, outcomes)),
    start: randomSimplex(rng, states),
  };
}

export interface Optimum {
  /** Q*, [states][actions]. */
  readonly q: readonly (readonly number[])[];
  readonly values: readonly number[];
}

/** α·log Σ exp(x/α); its limit at α = 0, the largest. */
export function softMaximum(xs: readonly number[], temperature: number): number {
  const largest = Math.max(...xs);
  if (temperature === 0) return largest;
  return largest + temperature * Math.log(xs.reduce((sum, x) => sum + Math.exp((x - largest) / temperature), 0));
}

/** V(s) ← softmax_a Q(s,a) over and over, until it is `precision` from the fixed point: soft value iteration. At α = 0 the usual one. */
export function valueIteration(
  { transitions }: TabularModel,
  temperature: number,
  discount: number,
  precision: number,
): Optimum {
  let values = transitions.map(() => 0);
  for (;;) {
    const q = transitions.map((row) =>
      row.map((outcomes) =>
        outcomes.reduce((sum, [p, next, r, ended]) => sum + p * (r + (ended ? 0 : discount * (values[next] ?? 0))), 0),
      ),
    );
    const improved = q.map((row) => softMaximum(row, temperature));
    const change = Math.max(...improved.map((value, state) => Math.abs(value - (values[state] ?? 0))));
    values = improved;
    if (change * discount <= (1 - discount) * precision) return { q, values };
  }
}
