// What soft policy iteration has learnt, as the tensors of a checkpoint.
import { type Tensors, takeVector, vector } from '../../../math/tensor.ts';
import { greedyActions } from './improvement.ts';

export interface TabularState {
  /** Of the policy that was evaluated last, [states · actions]; 0 before the first iteration. */
  readonly q: Float64Array;
  /** π(a|s), improved upon that Q. */
  readonly policy: Float64Array;
  readonly iterations: number;
}

export interface Sizes {
  readonly states: number;
  readonly actions: number;
}

/** What acting reads: `policy` [states, actions] to draw from, and `mode` [states, 1], the likeliest action of each state. */
export function writePolicy({ q, policy }: TabularState, { states, actions }: Sizes): Tensors {
  return {
    policy: { shape: [states, actions], data: policy.slice() },
    mode: { shape: [states, 1], data: greedyActions(q, actions) },
  };
}

export function writeState(state: TabularState, sizes: Sizes): Tensors {
  return {
    q: { shape: [sizes.states, sizes.actions], data: state.q.slice() },
    ...writePolicy(state, sizes),
    iterations: vector(Float64Array.of(state.iterations)),
  };
}

/** What `writeState` wrote. Throws where a tensor is missing or of another size. */
export function readState(tensors: Tensors, { states, actions }: Sizes): TabularState {
  const table = (name: string): Float64Array => takeVector(tensors, name, Float64Array, states * actions);
  const [iterations = 0] = takeVector(tensors, 'iterations', Float64Array, 1);
  return { q: table('q'), policy: table('policy'), iterations };
}
