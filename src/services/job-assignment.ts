// What a job's worker is told to do, from the rows of the job, its agent and its checkpoints.
import type { Hyperparameters } from '../agent/algorithm.ts';
import type { EngineName } from '../compute/engine.ts';
import type { EngineSettings } from '../compute/engines.ts';
import type { AgentRow } from '../storage/agents.ts';
import type { CheckpointRow } from '../storage/checkpoints.ts';
import type { JobRow } from '../storage/jobs.ts';
import type { TransitionBatch } from '../storage/transitions.ts';
import type { EvaluateTask, JobAssignment, LearnTask, TrainTask } from '../workers/protocol.ts';
import type { AgentState } from './checkpoints.ts';
import {
  type EvaluateConfig,
  isLearning,
  isTraining,
  type JobConfig,
  type LearnConfig,
  type TrainConfig,
} from './job-config.ts';

export interface JobGround {
  readonly agent: AgentRow;
  /** Where the job began. */
  readonly start: CheckpointRow;
  /** Where it goes on: its newest checkpoint, or where it began. */
  readonly from: AgentState;
  /** How far the job is in the newest of its own checkpoints; null = it has none. */
  readonly step: number | null;
  /** What a learning job is to take in. */
  readonly batches: readonly TransitionBatch[];
  readonly dataDir: string;
  readonly engines: EngineSettings;
}

export function assignmentOf(job: JobRow, ground: JobGround): JobAssignment {
  const { agent, from, dataDir, engines } = ground;
  const config = job.config as unknown as JobConfig;
  return {
    algorithm: agent.algorithm,
    hyperparameters: agent.hyperparameters as Hyperparameters,
    specId: agent.specId,
    envKwargs: agent.envKwargs,
    observationSpace: agent.observationSpace,
    actionSpace: agent.actionSpace,
    dataDir,
    engines,
    engine: config.engine as EngineName,
    threads: 'threads' in config ? config.threads : 1,
    model: from.model,
    task: taskOf(job, config, ground),
  };
}

function taskOf(job: JobRow, config: JobConfig, ground: JobGround): JobAssignment['task'] {
  if (isTraining(config)) return trainTask(job, config, ground);
  return isLearning(config) ? learnTask(job, config, ground) : evaluateTask(job, config);
}

/** Its first checkpoint holds all that it was to take in, so a job that has one takes in nothing more. */
function learnTask(job: JobRow, config: LearnConfig, { start, from, step, batches }: JobGround): LearnTask {
  return {
    type: 'learn',
    seed: job.seed,
    experience: from.experience,
    resumes: step !== null,
    allowInexactResume: config.allow_inexact_resume,
    timesteps: start.timesteps + config.transitions,
    updates: step ?? 0,
    gradientSteps: config.gradient_steps,
    batches: step === null ? batches : [],
    checkpointEveryUpdates: config.checkpoint.every_gradient_steps,
    checkpointEverySeconds: config.checkpoint.every_seconds,
  };
}

function trainTask(job: JobRow, config: TrainConfig, { start, from, step }: JobGround): TrainTask {
  const { evaluation, checkpoint } = config;
  return {
    type: 'train',
    seed: job.seed,
    experience: from.experience,
    resumes: step !== null,
    allowInexactResume: config.allow_inexact_resume ?? false,
    timesteps: from.timesteps,
    endTimesteps: start.timesteps + config.total_timesteps,
    // Absent in a job that was queued before there was such a thing.
    numEnvs: config.num_envs ?? 1,
    replayPlacement: config.replay_placement ?? 'host',
    wrappers: config.wrappers,
    evaluation: evaluation && {
      everyTimesteps: evaluation.every_timesteps,
      episodes: evaluation.episodes,
      seed: evaluation.seed,
      targetReturn: evaluation.target_return,
      patience: evaluation.patience,
    },
    checkpointEveryTimesteps: checkpoint.every_timesteps,
    checkpointEverySeconds: checkpoint.every_seconds,
  };
}

function evaluateTask(job: JobRow, config: EvaluateConfig): EvaluateTask {
  return {
    type: 'evaluate',
    seed: job.seed,
    episodes: config.episodes,
    deterministic: config.deterministic,
    perturbations: config.perturbations,
  };
}
