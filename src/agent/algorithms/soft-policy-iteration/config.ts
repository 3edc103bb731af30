// What the hyperparameters of soft policy iteration mean to the code.

import type { Hyperparameters } from '../../algorithm.ts';
import { type HyperparameterSchema, hyperparameterFiller } from '../../hyperparameters.ts';
import type { EvaluationOptions } from './evaluation.ts';
import { SOFT_POLICY_ITERATION_SCHEMA } from './schema.ts';

const fill = hyperparameterFiller('Soft policy iteration', SOFT_POLICY_ITERATION_SCHEMA satisfies HyperparameterSchema);

/** `given` with defaults. Throws `invalid_hyperparameter`. */
export function resolveSoftPolicyIteration(given: Readonly<Record<string, unknown>>): Hyperparameters {
  const filled = structuredClone(given);
  fill(filled);
  return Object.freeze(filled) as Hyperparameters;
}

export function evaluationOptions(resolved: Hyperparameters): EvaluationOptions {
  const h = resolved as Readonly<Record<keyof typeof SOFT_POLICY_ITERATION_SCHEMA.properties, number>>;
  return {
    temperature: h.temperature,
    discount: h.discount,
    tolerance: h.tolerance,
    maxSweeps: h.max_evaluation_sweeps,
  };
}
