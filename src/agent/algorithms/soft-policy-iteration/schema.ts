// Hyperparameters of soft policy iteration as one JSON Schema: the catalogue, the validation and the documentation.

export const SOFT_POLICY_ITERATION_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Soft policy iteration',
  description:
    'One timestep of training is one iteration: the policy is evaluated to the tolerance, then improved; no environment is stepped but for evaluations. total_timesteps is the most iterations; a job ends earlier, with the outcome "converged", once Q is within the tolerance of the optimal one.',
  type: 'object',
  additionalProperties: false,
  properties: {
    temperature: {
      type: 'number',
      minimum: 0,
      maximum: 1e9,
      default: 1e-3,
      description:
        'Weight of the entropy against the reward, α. 0 is ordinary policy iteration: the policy is greedy, of equal actions it takes the lowest. Entropy is paid at every step, up to α·log(actions)/(1 − γ) in all: where that outweighs the rewards, the best soft policy wanders.',
    },
    discount: {
      type: 'number',
      minimum: 0,
      exclusiveMaximum: 1,
      default: 0.99,
      description: 'Discount factor, γ; below 1, since evaluation is a γ-contraction.',
    },
    tolerance: {
      type: 'number',
      minimum: 1e-14,
      maximum: 1,
      default: 1e-8,
      description:
        'How far Q of an evaluated policy may be from the exact one: sweeps end at a residual of (1 − γ)·tolerance. A policy whose Q is that good before any sweep is the optimal one: the iteration has converged.',
    },
    max_evaluation_sweeps: {
      type: 'integer',
      minimum: 1,
      maximum: 10_000_000,
      default: 100_000,
      description:
        'The most sweeps of one evaluation. Where they are too few for the tolerance, the next iteration goes on from where they led, and evaluation/residual tells; 1 is soft value iteration.',
    },
  },
} as const;
