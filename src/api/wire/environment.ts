// Environments, resets and steps on the wire.

import type { JsonTensor } from '../../envs/spaces/space.ts';
import type {
  EnvironmentRecord,
  NewEnvironment,
  ResetReply,
  StepReply,
  VectorResetReply,
  VectorStepReply,
} from '../../services/environments.ts';
import type { Schema } from '../operation.ts';
import { spaceToWire } from './space.ts';
import { tensorToWire } from './tensor.ts';

/** Gymnasium's. */
const DEFAULT_AUTORESET_MODE = 'NextStep';

export function createEnvironmentFromWire(body: Schema<'CreateEnvironment'>): NewEnvironment {
  return {
    specId: body.spec_id,
    seed: body.seed ?? null,
    kwargs: body.kwargs,
    wrappers: body.wrappers,
    maxEpisodeSteps: body.max_episode_steps ?? null,
    vector:
      body.num_envs === undefined
        ? null
        : { numEnvs: body.num_envs, autoresetMode: body.autoreset_mode ?? DEFAULT_AUTORESET_MODE },
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
    wrappers: environment.wrappers.map(({ name, kwargs = {} }) => ({ name, kwargs })),
    max_episode_steps: environment.maxEpisodeSteps,
    num_envs: environment.vector?.numEnvs ?? null,
    autoreset_mode: environment.vector?.autoresetMode ?? null,
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

export function resetToWire(reset: ResetReply | VectorResetReply): Schema<'ResetResult'> | Schema<'VectorResetResult'> {
  return 'observations' in reset ? vectorResetToWire(reset) : singleResetToWire(reset);
}

export function stepToWire(step: StepReply | VectorStepReply): Schema<'StepResult'> | Schema<'VectorStepResult'> {
  if ('observations' in step) {
    return {
      ...vectorResetToWire(step),
      rewards: [...step.rewards],
      terminations: [...step.terminations],
      truncations: [...step.truncations],
    };
  }
  return {
    ...singleResetToWire(step),
    reward: step.reward,
    terminated: step.terminated,
    truncated: step.truncated,
  };
}

export function sampledToWire(
  sampled: { readonly action: JsonTensor } | { readonly actions: JsonTensor },
): Schema<'SampledAction'> {
  return 'action' in sampled
    ? { action: tensorToWire(sampled.action) }
    : { actions: tensorToWire(sampled.actions) as Schema<'Tensor'>[] };
}

function singleResetToWire(reset: ResetReply): Schema<'ResetResult'> {
  return {
    observation: tensorToWire(reset.observation),
    info: infoToWire(reset.info),
    seq: reset.seq,
    episode_step: reset.episodeStep,
    episode_return: reset.episodeReturn,
  };
}

function vectorResetToWire({ observations, infos, seq }: VectorResetReply): Schema<'VectorResetResult'> {
  return { observations: observations.map(tensorToWire), infos: infos as Schema<'Infos'>, seq };
}

function infoToWire(info: ResetReply['info']): Schema<'Info'> {
  // The wire's arrays are mutable to the compiler alone: nobody changes them before they are text.
  return info as Schema<'Info'>;
}
