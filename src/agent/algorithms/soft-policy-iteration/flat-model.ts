// A finite Markov decision process as arrays that a sweep runs through. Pairs (s, a) count s · actions + a.
import type { TabularModel } from '../../../envs/tabular-model.ts';

export interface FlatModel {
  readonly states: number;
  readonly actions: number;
  /** r(s, a) = Σ p · r over the outcomes, [states · actions]. */
  readonly rewards: Float64Array;
  /** Outcomes of pair i with a future are those from `offsets[i]` up to `offsets[i + 1]`; a terminated one has none. */
  readonly offsets: Int32Array;
  readonly next: Int32Array;
  readonly probabilities: Float64Array;
  /** ρ₀(s), [states]. */
  readonly start: Float64Array;
}

export function flatModel({ states, actions, transitions, start }: TabularModel): FlatModel {
  const pairs = transitions.flat();
  const lasting = pairs.map((outcomes) => outcomes.filter(([, , , terminated]) => !terminated));
  const offsets = new Int32Array(pairs.length + 1);
  for (const [i, outcomes] of lasting.entries()) offsets[i + 1] = (offsets[i] as number) + outcomes.length;
  const all = lasting.flat();
  return {
    states,
    actions,
    rewards: Float64Array.from(pairs, (outcomes) => outcomes.reduce((sum, [p, , reward]) => sum + p * reward, 0)),
    offsets,
    next: Int32Array.from(all, ([, next]) => next),
    probabilities: Float64Array.from(all, ([p]) => p),
    start: Float64Array.from(start),
  };
}
