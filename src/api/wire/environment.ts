// Environments, resets and steps on the wire.

import type { JsonTensor } from '../../envs/spaces/space.ts';
import type {
  CheckReply,
  EnvironmentRecord,
  NewEnvironment,
  ResetReply,
  RolloutReply,
  RolloutRequest,
  StepReply,
  VectorResetReply,
  VectorStepReply,
} from '../../services/environment-record.ts';
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
    renderMode: body.render_mode ?? null,
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
    render_mode: environment.renderMode,
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

/** `animated`: whether the client takes pictures rather than columns. */
export function rolloutFromWire(body: Schema<'RollOutEnvironment'>, animated: boolean): RolloutRequest {
  const { every = 1, fps = 30, ...options } = body.render ?? {};
  return {
    steps: body.steps ?? null,
    actions: body.actions ?? null,
    agentId: body.agent_id ?? null,
    deterministic: body.deterministic,
    withInfos: body.infos,
    pictures: animated ? { every, framesPerSecond: fps, options } : null,
    seq: body.seq ?? null,
  };
}

export function rolloutToWire(rollout: RolloutReply): Schema<'RolloutResult'> {
  return {
    object: 'rollout',
    steps: rollout.steps,
    observations: rollout.observations.map(tensorToWire),
    actions: rollout.actions.map(tensorToWire),
    rewards: [...rollout.rewards],
    terminated: [...rollout.terminated],
    truncated: [...rollout.truncated],
    infos: rollout.infos?.map(infoToWire) ?? null,
    episode_ends: rollout.episodeEnds.map((end) => ({
      step: end.step,
      terminated: end.terminated,
      truncated: end.truncated,
      episode_step: end.episodeStep,
      episode_return: end.episodeReturn,
      final_observation: tensorToWire(end.finalObservation),
      final_info: infoToWire(end.finalInfo),
      reset_info: infoToWire(end.resetInfo),
    })),
    reset_info: rollout.resetInfo && infoToWire(rollout.resetInfo),
    policy_step: rollout.policyStep,
    seq: rollout.seq,
    episode_step: rollout.episodeStep,
    episode_return: rollout.episodeReturn,
  };
}

export function checkToWire({ checks, seed, steps, durationS }: CheckReply): Schema<'EnvironmentCheck'> {
  const passed = checks.every((finding) => finding.passed);
  return { object: 'environment_check', passed, checks: [...checks], seed, steps, duration_s: durationS };
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
