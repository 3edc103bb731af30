// Soft Actor-Critic (Haarnoja et al. 2018, arXiv:1801.01290; 2019, arXiv:1812.05905) as the training loop sees it.

import type { BoxDocument, JsonTensor, SpaceDocument } from '../../../envs/spaces/space.ts';
import { DomainError } from '../../../errors.ts';
import { nest, sizeOf, zeros } from '../../../math/tensor.ts';
import type { BoxSpaces, InteractiveAlgorithm } from '../../algorithm.ts';
import { describeSpace } from '../../describe-space.ts';
import { ObservationNormalizer } from '../../nn/observation-normalizer.ts';
import { meanAction } from '../../nn/squashed-gaussian.ts';
import { looseBytes, replayBytes } from '../../replay/replay-buffer.ts';
import { mirrorBytes } from '../../replay/replay-mirror.ts';
import { resolveSac, sacConfig } from './config.ts';
import { createSacLearner, replayOptions } from './learner.ts';
import {
  type Architecture,
  initializeNetworks,
  optimisedPacks,
  packsOf,
  policyHead,
  policyPacks,
  policyView,
  settingsOf,
} from './networks.ts';
import { createSacPolicy } from './policy.ts';
import { PRESETS } from './presets.ts';
import { SAC_SCHEMA } from './schema.ts';

export const sac: InteractiveAlgorithm = {
  kind: 'interactive',
  name: 'sac',
  summary:
    'Soft Actor-Critic: off-policy maximum-entropy learning of continuous actions, in the form of 2018 (value network, reward scale) or of 2019 (learnt temperature).',
  hyperparameters: { ...SAC_SCHEMA, 'x-presets': PRESETS },
  resolve: resolveSac,
  checkSpaces(observation, action) {
    return { observation: observationBox(observation), action: actionBox(action) };
  },
  initialize(hyperparameters, spaces: BoxSpaces, rng) {
    const { config, architecture } = settingsOf(hyperparameters, spaces);
    checkSize(architecture);
    const { optimised, targets } = initializeNetworks(architecture, config.initialTemperature, rng);
    const moments = Object.fromEntries(Object.entries(optimised).map(([name, { shape }]) => [name, zeros(shape)]));
    return {
      ...optimised,
      ...targets,
      ...nest('adam/m', moments),
      ...nest('adam/v', moments),
      ...(architecture.normalizesObservations && new ObservationNormalizer(architecture.observation).getState()),
      updates: { shape: [], data: Float64Array.of(0) },
    };
  },
  createLearner: createSacLearner,
  looseReplay(hyperparameters) {
    const { n_steps: steps, reward_normalization: normalization } = hyperparameters;
    if (steps !== undefined && steps !== 1) throw needsEpisodes('n_steps', steps, 1);
    if (normalization !== undefined && normalization !== 'none')
      throw needsEpisodes('reward_normalization', normalization, 'none');
    const { replayCapacity: capacity, batchSize } = sacConfig(hyperparameters, 1);
    return { capacity, batchSize };
  },
  createPolicy: createSacPolicy,
  meanPolicy(hyperparameters, spaces: BoxSpaces) {
    const { architecture } = settingsOf(hyperparameters, spaces);
    const places = policyPacks(architecture).flatMap((pack) => pack.places);
    return {
      parameters: Object.fromEntries(places.map(({ name, shape }) => [name, shape])),
      act: (parameters, observation) =>
        meanAction(policyHead(architecture, parameters, policyView(architecture, parameters, observation))),
    };
  },
  memoryBytes(hyperparameters, spaces: BoxSpaces, numEnvs) {
    const { config, architecture } = settingsOf(hyperparameters, spaces);
    // A parameter that learns has two moments and, while it learns, a gradient; float32 each.
    const parameters = 4 * 4 * parameterCount(architecture);
    const options = replayOptions(config, architecture, numEnvs);
    return { replay: replayBytes(options), loose: looseBytes(options), mirror: mirrorBytes(options), parameters };
  },
};

/** Both follow the rewards of an episode in order, which transitions alone do not say. */
function needsEpisodes(name: string, value: unknown, needed: unknown): DomainError {
  return new DomainError(
    'transitions_unsupported',
    `The hyperparameter "${name}" is ${JSON.stringify(value)}, which needs whole episodes in order; transitions from outside are learnt from one by one. Make an agent with "${name}" ${JSON.stringify(needed)}.`,
  );
}

/** Memory is bounded before it is taken: with moments and targets an agent holds about four numbers a parameter, training eight. */
const MAX_PARAMETERS = 10_000_000;

const parameterCount = (architecture: Architecture): number =>
  optimisedPacks(packsOf(architecture)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);

function checkSize(architecture: Architecture): void {
  const parameters = parameterCount(architecture);
  if (parameters <= MAX_PARAMETERS) return;
  throw new DomainError(
    'invalid_hyperparameter',
    `The hyperparameter "hidden_sizes" is ${JSON.stringify(architecture.hidden)}: the networks would have ${parameters} parameters; at most ${MAX_PARAMETERS} are allowed.`,
  );
}

function observationBox(space: SpaceDocument): BoxDocument {
  if (space.type === 'Box' && space.shape.length === 1) return space;
  throw new DomainError(
    'unsupported_space',
    `SAC observes a Box of one dimension; the observation space is ${describeSpace(space)}. Choose an environment with such a Box (GET /v1/env-specs), or another algorithm (GET /v1/algorithms).`,
  );
}

function actionBox(space: SpaceDocument): BoxDocument {
  if (space.type !== 'Box') {
    throw new DomainError(
      'unsupported_space',
      `SAC acts in a bounded Box; the action space is ${describeSpace(space)}. Choose an environment with such a Box (GET /v1/env-specs), or another algorithm (GET /v1/algorithms).`,
    );
  }
  const bounds = [...numbers(space.low), ...numbers(space.high)];
  if (bounds.every(Number.isFinite)) return space;
  throw new DomainError(
    'unsupported_space',
    `SAC acts in a bounded Box; the action space is ${describeSpace(space)}, with bounds that are not finite. Choose an environment with such a Box (GET /v1/env-specs), or another algorithm (GET /v1/algorithms).`,
  );
}

function numbers(tensor: JsonTensor): number[] {
  if (Array.isArray(tensor)) return tensor.flatMap(numbers);
  return [typeof tensor === 'number' ? tensor : Number.NaN];
}
