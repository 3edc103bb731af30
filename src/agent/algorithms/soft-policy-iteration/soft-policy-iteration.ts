// Tabular soft policy iteration (Haarnoja et al. 2018, arXiv:1801.01290, section 4.1) as jobs and the API see it: the
// idealised form that SAC approximates, exact because the environment's table is known.
import type { DiscreteDocument, SpaceDocument } from '../../../envs/spaces/space.ts';
import { DomainError } from '../../../errors.ts';
import type { DiscreteSpaces, PlanningAlgorithm, PolicySetup } from '../../algorithm.ts';
import { describeSpace } from '../../describe-space.ts';
import { resolveSoftPolicyIteration } from './config.ts';
import { improvePolicy } from './improvement.ts';
import { createSoftPolicyPlanner } from './planner.ts';
import { TabularPolicy, tabularMeanPolicy } from './policy.ts';
import { SOFT_POLICY_ITERATION_SCHEMA } from './schema.ts';
import { writeState } from './state.ts';

export const softPolicyIteration: PlanningAlgorithm = {
  kind: 'planning',
  name: 'soft_policy_iteration',
  summary:
    'Soft policy iteration: exact maximum-entropy planning on environments whose transitions are a table. One timestep is one iteration, an evaluation of the policy and its improvement.',
  hyperparameters: SOFT_POLICY_ITERATION_SCHEMA,
  resolve: resolveSoftPolicyIteration,
  checkSpaces(observation, action): DiscreteSpaces {
    return { observation: discrete(observation, 'observes'), action: discrete(action, 'acts in') };
  },
  initialize(_hyperparameters, spaces: DiscreteSpaces) {
    const sizes = { states: spaces.observation.n, actions: spaces.action.n };
    const q = new Float64Array(sizes.states * sizes.actions);
    // The uniform policy, whatever the temperature: of ordinary policy iteration too, any policy may be the first.
    return writeState({ q, policy: improvePolicy(q, sizes.actions, 1), iterations: 0 }, sizes);
  },
  createPlanner: createSoftPolicyPlanner,
  async createPolicy(setup: PolicySetup<DiscreteSpaces>) {
    return new TabularPolicy(setup);
  },
  meanPolicy: (_hyperparameters, spaces: DiscreteSpaces) => tabularMeanPolicy(spaces),
  memoryBytes(_hyperparameters, spaces: DiscreteSpaces) {
    // Q, its backup and the policy before and after, and of the table some three outcomes a pair, as objects and as arrays.
    const perPair = 4 * 8 + 3 * 200;
    return { replay: 0, parameters: spaces.observation.n * spaces.action.n * perPair };
  },
};

function discrete(space: SpaceDocument, what: string): DiscreteDocument {
  if (space.type === 'Discrete') return space;
  throw new DomainError(
    'unsupported_space',
    `Soft policy iteration ${what} a Discrete space, here it is ${describeSpace(space)}. Choose an environment whose transitions are a table, such as FrozenLake-v1, or the algorithm "sac".`,
  );
}
