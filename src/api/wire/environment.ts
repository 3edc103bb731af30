// Environments, resets and steps on the wire.

import type { TensorData } from '../../envs/spaces/tensor-data.ts';
import type {
  CheckReply,
  EnvironmentRecord,
  NewEnvironment,
  ResetReply,
  ResetRequest,
  RolloutReply,
  RolloutRequest,
  StepReply,
  StepRequest,
  VectorResetReply,
  VectorStepReply,
} from '../../services/environment-record.ts';
import type { Schema } from '../operation.ts';
import { spaceToWire } from './space.ts';
import { flagsToWire, listFromWire, numbersToWire, rowsToWire, tensorToWire } from './tensor.ts';

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
    lingerS: body.linger_s ?? null,
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
    linger_s: environment.lingerS,
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
      rewards: numbersToWire(step.rewards),
      terminations: flagsToWire(step.terminations),
      truncations: flagsToWire(step.truncations),
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
  sampled: { readonly action: TensorData } | { readonly actions: TensorData },
): Schema<'SampledAction'> {
  return 'action' in sampled ? { action: tensorToWire(sampled.action) } : { actions: rowsToWire(sampled.actions) };
}

export function resetFromWire(body: Schema<'ResetEnvironment'>): ResetRequest {
  return { seed: body.seed ?? null, options: body.options, resetMask: body.reset_mask ?? null, seq: body.seq ?? null };
}

export function stepFromWire(body: Schema<'StepEnvironment'>): StepRequest {
  const seq = body.seq ?? null;
  return body.actions === undefined ? { action: body.action, seq } : { actions: body.actions, seq };
}

/** `animated`: whether the client takes pictures rather than columns. */
export function rolloutFromWire(body: Schema<'RollOutEnvironment'>, animated: boolean): RolloutRequest {
  const { every = 1, fps = 30, ...options } = body.render ?? {};
  return {
    steps: body.steps ?? null,
    actions: body.actions === undefined ? null : listFromWire(body.actions),
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
    observations: rowsToWire(rollout.observations),
    actions: rowsToWire(rollout.actions),
    rewards: numbersToWire(rollout.rewards),
    terminated: flagsToWire(rollout.terminated),
    truncated: flagsToWire(rollout.truncated),
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
  return { observations: rowsToWire(observations), infos: infos as Schema<'Infos'>, seq };
}

function infoToWire(info: ResetReply['info']): Schema<'Info'> {
  // The wire's arrays are mutable to the compiler alone: nobody changes them before they are text.
  return info as Schema<'Info'>;
}
