// The catalogue on the wire.
import type { AlgorithmInfo, EnvSpecInfo, WrapperInfo } from '../../services/catalogue.ts';
import type { Schema } from '../operation.ts';
import { spaceToWire } from './space.ts';

export function envSpecToWire(spec: EnvSpecInfo): Schema<'EnvSpec'> {
  return {
    id: spec.id,
    object: 'env_spec',
    summary: spec.summary,
    aliases: [...spec.aliases],
    observation_space: spaceToWire(spec.observationSpace),
    action_space: spaceToWire(spec.actionSpace),
    max_episode_steps: spec.maxEpisodeSteps,
    reward_threshold: spec.rewardThreshold,
    // A spec whose environment were not would have to say so; check-env.ts holds all of them to it.
    nondeterministic: false,
    render_modes: [...spec.renderModes],
    kwargs_schema: spec.kwargsSchema,
  };
}

export function wrapperToWire({ name, summary, kwargsSchema }: WrapperInfo): Schema<'WrapperSpec'> {
  return { object: 'wrapper', name, summary, kwargs_schema: kwargsSchema };
}

export function algorithmToWire({ name, summary, hyperparameters }: AlgorithmInfo): Schema<'Algorithm'> {
  return { object: 'algorithm', name, summary, hyperparameters_schema: hyperparameters };
}
