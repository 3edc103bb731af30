// Environments, resets and steps on the wire.

import type { EnvironmentRecord, NewEnvironment, ResetReply, StepReply } from '../../services/environments.ts';
import type { Schema } from '../operation.ts';
import { spaceToWire } from './space.ts';
import { tensorToWire } from './tensor.ts';

export function createEnvironmentFromWire(body: Schema<'CreateEnvironment'>): NewEnvironment {
  return {
    specId: body.spec_id,
    seed: body.seed ?? null,
    kwargs: body.kwargs,
    maxEpisodeSteps: body.max_episode_steps ?? null,
    labels: body.labels,
    idleTtlS: body.idle_ttl_s,
  };
}

export function environmentToWire(environment: EnvironmentRecord): Schema<'Environment'> {
  return {
    id: environment.id,
    object: 'environment',
    spec_id: environment.specId,
    seed: environment.seed,
    kwargs: environment.kwargs,
    max_episode_steps: environment.maxEpisodeSteps,
    observation_space: spaceToWire(environment.observationSpace),
    action_space: spaceToWire(environment.actionSpace),
    episode_step: environment.episodeStep,
    episode_return: environment.episodeReturn,
    seq: environment.seq,
    needs_reset: environment.needsReset,
    idle_ttl_s: environment.idleTtlS,
    labels: environment.labels,
    created_at: environment.createdAt.toISOString(),
    updated_at: environment.updatedAt.toISOString(),
    expires_at: environment.expiresAt.toISOString(),
  };
}

export function resetToWire(reset: ResetReply): Schema<'ResetResult'> {
  return {
    observation: tensorToWire(reset.observation),
    info: infoToWire(reset.info),
    seq: reset.seq,
    episode_step: reset.episodeStep,
    episode_return: reset.episodeReturn,
  };
}

export function stepToWire(step: StepReply): Schema<'StepResult'> {
  return {
    ...resetToWire(step),
    reward: step.reward,
    terminated: step.terminated,
    truncated: step.truncated,
  };
}

function infoToWire(info: ResetReply['info']): Schema<'Info'> {
  // The wire's arrays are mutable to the compiler alone: nobody changes them before they are text.
  return info as Schema<'Info'>;
}
