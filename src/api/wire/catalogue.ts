// The catalogue on the wire.
import type { EnvSpec } from '../../envs/env.ts';
import type { AlgorithmInfo } from '../../services/catalogue.ts';
import type { Schema } from '../operation.ts';
import { spaceToWire } from './space.ts';

export function envSpecToWire(spec: EnvSpec): Schema<'EnvSpec'> {
  return {
    id: spec.id,
    object: 'env_spec',
    summary: spec.summary,
    observation_space: spaceToWire(spec.observationSpace),
    action_space: spaceToWire(spec.actionSpace),
    max_episode_steps: spec.maxEpisodeSteps,
    reward_threshold: spec.rewardThreshold,
    kwargs_schema: spec.kwargsSchema,
  };
}

export function algorithmToWire({ name, summary, hyperparameters }: AlgorithmInfo): Schema<'Algorithm'> {
  return { object: 'algorithm', name, summary, hyperparameters_schema: hyperparameters };
}
