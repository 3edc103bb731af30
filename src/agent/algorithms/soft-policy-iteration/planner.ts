// Soft policy iteration (arXiv:1801.01290, section 4.1, Theorem 1): evaluation and improvement in turns, on a known table.
import type { Tensors } from '../../../math/tensor.ts';
import type { Planner, PlannerSetup, PlanningStep } from '../../algorithm.ts';
import { evaluationOptions } from './config.ts';
import { distance, type EvaluationOptions, evaluateSoftPolicy, stateEntropies } from './evaluation.ts';
import { type FlatModel, flatModel } from './flat-model.ts';
import { improvePolicy } from './improvement.ts';
import { readState, type TabularState, writePolicy, writeState } from './state.ts';

export function createSoftPolicyPlanner({ hyperparameters, model, state }: PlannerSetup): Planner {
  return new SoftPolicyPlanner(flatModel(model), evaluationOptions(hyperparameters), state);
}

class SoftPolicyPlanner implements Planner {
  /** Math.exp and Math.log are V8's own. */
  readonly engineIdentity = `float64, V8 ${process.versions.v8}`;
  readonly #model: FlatModel;
  readonly #options: EvaluationOptions;
  #state: TabularState;

  constructor(model: FlatModel, options: EvaluationOptions, state: Tensors) {
    this.#model = model;
    this.#options = options;
    this.#state = readState(state, model);
  }

  iterate(shouldStop: () => boolean): PlanningStep | null {
    const { q: before, policy, iterations } = this.#state;
    const { actions, start } = this.#model;
    const evaluated = evaluateSoftPolicy(this.#model, policy, before, this.#options, shouldStop);
    if (evaluated === null) return null;
    const { q, values, residual, sweeps } = evaluated;
    const improved = improvePolicy(q, actions, this.#options.temperature);
    this.#state = { q, policy: improved, iterations: iterations + 1 };
    return {
      // Q of the policy before is good enough for the one that it improved it to, which maximises over all: ‖Q − T*Q‖∞ ≤
      // (1 − γ)·tolerance, so ‖Q − Q*‖∞ ≤ tolerance. That hardly a probability changed would not tell: one of 1e-9 may stand for an
      // action that costs a hundred, at each step.
      isConverged: iterations > 0 && sweeps === 0,
      metrics: {
        'value/start': values.reduce((sum, value, state) => sum + (start[state] as number) * value, 0),
        // Before the first iteration Q was that of no policy.
        ...(iterations > 0 && { 'q/min_increase': leastIncrease(q, before) }),
        'q/max_change': distance(q, before),
        'policy/entropy': mean(stateEntropies(improved, actions)),
        'policy/max_change': distance(improved, policy),
        'evaluation/sweeps': sweeps,
        'evaluation/residual': residual,
      },
    };
  }

  policyState(): Tensors {
    return writePolicy(this.#state, this.#model);
  }

  getState(): Tensors {
    return writeState(this.#state, this.#model);
  }
}

const mean = (numbers: Float64Array): number => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

/** min over (s, a) of after − before. */
function leastIncrease(after: Float64Array, before: Float64Array): number {
  return after.reduce((least, x, i) => Math.min(least, x - (before[i] as number)), Number.POSITIVE_INFINITY);
}
