// Agents, and what is asked of them, on the wire.

import type { ActAnswer, ActRequest, AgentRecord, CreateAgent } from '../../services/agents.ts';
import type { EvaluateRequest, LearnRequest, TrainRequest } from '../../services/job-request.ts';
import type { NewTransitions, TransitionsTaken } from '../../services/transitions.ts';
import type { Schema } from '../operation.ts';
import { InvalidRequest } from '../problem.ts';
import { spaceToWire } from './space.ts';
import { listFromWire, rowsToWire, tensorToWire } from './tensor.ts';

export function createAgentFromWire(body: Schema<'CreateAgent'>): CreateAgent {
  const identity = { name: body.name ?? null, seed: body.seed ?? null, labels: body.labels };
  if (body.from_checkpoint_id !== undefined) return { ...identity, fromCheckpointId: body.from_checkpoint_id };
  const { algorithm, spec_id: specId, env_kwargs: envKwargs = {}, hyperparameters = {} } = body;
  // The contract's `if`/`else` has seen to this; the types generated from it cannot say so.
  const { observation_space: observation, action_space: action } = body;
  const spaces = observation === undefined ? null : { observation, action };
  if (algorithm === undefined || (specId === undefined && spaces === null))
    throw new InvalidRequest('Give algorithm and spec_id, or algorithm and the spaces, or from_checkpoint_id.');
  return {
    ...identity,
    fromCheckpointId: null,
    algorithm,
    specId: specId ?? null,
    spaces,
    envKwargs,
    hyperparameters,
  };
}

export function agentToWire(agent: AgentRecord): Schema<'Agent'> {
  return {
    id: agent.id,
    object: 'agent',
    name: agent.name,
    algorithm: agent.algorithm,
    spec_id: agent.specId,
    env_kwargs: agent.envKwargs,
    observation_space: spaceToWire(agent.observationSpace),
    action_space: spaceToWire(agent.actionSpace),
    hyperparameters: agent.hyperparameters,
    seed: agent.seed,
    timesteps: agent.timesteps,
    checkpoint_id: agent.checkpointId,
    training_job_id: agent.trainingJobId,
    labels: agent.labels,
    created_at: agent.createdAt.toISOString(),
    updated_at: agent.updatedAt.toISOString(),
  };
}

export function actFromWire({ observation, observations, deterministic }: Schema<'Act'>): ActRequest {
  return observations === undefined
    ? { observation, deterministic }
    : { observations: listFromWire(observations), deterministic };
}

export function actToWire({ action, actions, policyStep }: ActAnswer): Schema<'ActResult'> {
  return {
    ...(action === undefined ? {} : { action: tensorToWire(action) }),
    ...(actions === undefined ? {} : { actions: rowsToWire(actions) }),
    policy_step: policyStep,
  };
}

export function trainFromWire(body: Schema<'TrainAgent'>): TrainRequest {
  const { evaluation, checkpoint } = body;
  return {
    totalTimesteps: body.total_timesteps,
    numEnvs: body.num_envs,
    wrappers: body.wrappers,
    evaluation:
      evaluation === undefined
        ? null
        : {
            everyTimesteps: evaluation.every_timesteps,
            episodes: evaluation.episodes,
            seed: evaluation.seed ?? null,
            targetReturn: evaluation.target_return ?? null,
            patience: evaluation.patience ?? null,
          },
    checkpoint:
      checkpoint === undefined
        ? null
        : {
            everyTimesteps: checkpoint.every_timesteps ?? null,
            everySeconds: checkpoint.every_seconds ?? null,
            keepLast: checkpoint.keep_last ?? null,
            keepBest: checkpoint.keep_best,
          },
    engine: body.engine ?? null,
    threads: body.threads ?? null,
    replayPlacement: body.replay_placement,
    allowInexactResume: body.allow_inexact_resume,
    priority: body.priority,
    seed: body.seed ?? null,
    labels: body.labels,
  };
}

export function learnFromWire(body: Schema<'LearnAgent'>): LearnRequest {
  const { checkpoint } = body;
  return {
    gradientSteps: body.gradient_steps,
    checkpoint:
      checkpoint === undefined
        ? null
        : {
            everyGradientSteps: checkpoint.every_gradient_steps ?? null,
            everySeconds: checkpoint.every_seconds ?? null,
            keepLast: checkpoint.keep_last ?? null,
          },
    engine: body.engine ?? null,
    threads: body.threads ?? null,
    allowInexactResume: body.allow_inexact_resume,
    priority: body.priority,
    seed: body.seed ?? null,
    labels: body.labels,
  };
}

/** Rows are checked where they are stored, against the agent's spaces. */
export function transitionsFromWire(body: Schema<'AddTransitions'>): NewTransitions {
  return { ...body, truncations: body.truncations ?? null };
}

export function transitionsToWire({ accepted, pending, total }: TransitionsTaken): Schema<'TransitionsAdded'> {
  return { object: 'transitions', accepted, pending, total };
}

export function evaluateFromWire(body: Schema<'EvaluateAgent'>): EvaluateRequest {
  return {
    episodes: body.episodes,
    seed: body.seed ?? null,
    deterministic: body.deterministic,
    perturbations: body.perturbations,
    checkpointId: body.checkpoint_id ?? null,
    priority: body.priority,
    labels: body.labels,
  };
}
