// What is known of an environment whose transitions are a table: enough to plan without taking a step.

/** One outcome of an action. */
export type Transition = readonly [probability: number, next: number, reward: number, terminated: boolean];
/** `transitions[state][action]`: Gymnasium's `P`. */
export type Transitions = readonly (readonly (readonly Transition[])[])[];

/** A finite Markov decision process. States and actions count from 0. */
export interface TabularModel {
  readonly states: number;
  readonly actions: number;
  readonly transitions: Transitions;
  /** Probability of each state to be an episode's first. */
  readonly start: readonly number[];
}

/** An environment that knows its table. */
export interface ModelledEnv {
  /** Throws `invalid_kwargs` where it does more than a table can say, naming what and the remedy. */
  readonly model: TabularModel;
}
