// Soft Actor-Critic (Haarnoja et al. 2018, arXiv:1801.01290; 2019, arXiv:1812.05905) as the training loop sees it.

import type { BoxDocument, JsonTensor, SpaceDocument } from '../../../envs/spaces/space.ts';
import { DomainError } from '../../../errors.ts';
import { nest, sizeOf, type Tensors, zeros } from '../../../math/tensor.ts';
import type { AgentSpaces, Algorithm } from '../../algorithm.ts';
import { meanAction } from '../../nn/squashed-gaussian.ts';
import { resolveSac, SAC_SCHEMA, sacConfig } from './config.ts';
import { createSacLearner } from './learner.ts';
import {
  actorPacks,
  CRITICS,
  criticPacks,
  initializeActor,
  initializeCritic,
  policyHead,
  type Sizes,
  TARGETS,
} from './networks.ts';
import { createSacPolicy } from './policy.ts';

export const sac: Algorithm = {
  name: 'sac',
  summary:
    'Soft Actor-Critic: off-policy maximum-entropy learning of continuous actions, with two critics and a learnt temperature.',
  hyperparameters: SAC_SCHEMA,
  resolve: resolveSac,
  checkSpaces(observation, action) {
    return { observation: observationBox(observation), action: actionBox(action) };
  },
  initialize(hyperparameters, spaces, rng) {
    const sizes = sizesOf(spaces, hyperparameters['hidden_sizes'] as readonly number[]);
    checkSize(sizes);
    const { temperature, initialTemperature } = sacConfig(hyperparameters, sizes.action);
    const actor = initializeActor(sizes, rng.split());
    const stream = rng.split();
    const critics: Tensors = {
      ...initializeCritic(sizes, CRITICS[0], stream),
      ...initializeCritic(sizes, CRITICS[1], stream),
    };
    const optimised: Tensors = {
      ...actor,
      ...critics,
      ...(temperature === null
        ? { log_temperature: { shape: [], data: Float32Array.of(Math.log(initialTemperature)) } }
        : {}),
    };
    const moments = Object.fromEntries(Object.entries(optimised).map(([name, { shape }]) => [name, zeros(shape)]));
    return {
      ...optimised,
      ...targetsOf(critics),
      ...nest('adam/m', moments),
      ...nest('adam/v', moments),
      updates: { shape: [], data: Float64Array.of(0) },
    };
  },
  createLearner: (setup) =>
    createSacLearner(setup, sizesOf(setup.spaces, setup.hyperparameters['hidden_sizes'] as readonly number[])),
  createPolicy: (setup) =>
    createSacPolicy(setup, sizesOf(setup.spaces, setup.hyperparameters['hidden_sizes'] as readonly number[])),
  meanPolicy(hyperparameters, spaces) {
    const packs = actorPacks(sizesOf(spaces, hyperparameters['hidden_sizes'] as readonly number[]));
    const places = packs.flatMap((pack) => pack.places);
    return {
      parameters: Object.fromEntries(places.map(({ name, shape }) => [name, shape])),
      act: (parameters, observation) => meanAction(policyHead(parameters, observation)),
    };
  },
};

/** Memory is bounded before it is taken: with moments and targets an agent holds about four numbers a parameter, training eight. */
const MAX_PARAMETERS = 10_000_000;

function checkSize(sizes: Sizes): void {
  const packs = [...actorPacks(sizes), ...CRITICS.flatMap((critic) => criticPacks(sizes, critic))];
  const parameters = packs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (parameters <= MAX_PARAMETERS) return;
  throw new DomainError(
    'invalid_hyperparameter',
    `The hyperparameter "hidden_sizes" is ${JSON.stringify(sizes.hidden)}: policy and critics would have ${parameters} parameters; at most ${MAX_PARAMETERS} are allowed.`,
  );
}

/** Copies of the critics, named as their targets. */
function targetsOf(critics: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(critics).map(([name, { shape, data }]) => {
      const index = CRITICS.findIndex((critic) => name.startsWith(`${critic}/`)) as 0 | 1;
      return [name.replace(CRITICS[index], TARGETS[index]), { shape, data: data.slice() }];
    }),
  );
}

const sizesOf = (spaces: AgentSpaces, hidden: readonly number[]): Sizes => ({
  observation: sizeOf(spaces.observation.shape),
  action: sizeOf(spaces.action.shape),
  hidden,
});

function observationBox(space: SpaceDocument): BoxDocument {
  if (space.type === 'Box' && space.shape.length === 1) return space;
  throw new DomainError(
    'unsupported_space',
    `SAC observes a Box of one dimension; the observation space is ${describe(space)}.`,
  );
}

function actionBox(space: SpaceDocument): BoxDocument {
  if (space.type !== 'Box') {
    throw new DomainError('unsupported_space', `SAC acts in a bounded Box; the action space is ${describe(space)}.`);
  }
  const bounds = [...numbers(space.low), ...numbers(space.high)];
  if (bounds.every(Number.isFinite)) return space;
  throw new DomainError(
    'unsupported_space',
    `SAC acts in a bounded Box; the action space is ${describe(space)}, with bounds that are not finite.`,
  );
}

const describe = (space: SpaceDocument): string =>
  space.type === 'Box' ? `Box of shape [${space.shape}]` : `${space.type}(${space.n})`;

function numbers(tensor: JsonTensor): number[] {
  if (Array.isArray(tensor)) return tensor.flatMap(numbers);
  return [typeof tensor === 'number' ? tensor : Number.NaN];
}
