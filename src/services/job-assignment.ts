// What a job's worker is told to do, from the rows of the job, its agent and its checkpoints.
import type { Hyperparameters } from '../agent/algorithm.ts';
import type { EngineName } from '../compute/engine.ts';
import type { EngineSettings } from '../compute/engines.ts';
import type { AgentRow } from '../storage/agents.ts';
import type { CheckpointRow } from '../storage/checkpoints.ts';
import type { JobRow } from '../storage/jobs.ts';
import type { EvaluateTask, JobAssignment, TrainTask } from '../workers/protocol.ts';
import type { AgentState } from './checkpoints.ts';
import { type EvaluateConfig, isTraining, type TrainConfig } from './job-config.ts';

export interface JobGround {
  readonly agent: AgentRow;
  /** Where the job began. */
  readonly start: CheckpointRow;
  /** Where it goes on: its newest checkpoint, or where it began. */
  readonly from: AgentState;
  /** Whether `from` is the job's own. */
  readonly resumes: boolean;
  readonly dataDir: string;
  readonly engines: EngineSettings;
}

export function assignmentOf(job: JobRow, ground: JobGround): JobAssignment {
  const { agent, from, dataDir, engines } = ground;
  const config = job.config as unknown as TrainConfig | EvaluateConfig;
  return {
    algorithm: agent.algorithm,
    hyperparameters: agent.hyperparameters as Hyperparameters,
    specId: agent.specId,
    envKwargs: agent.envKwargs,
    dataDir,
    engines,
    engine: config.engine as EngineName,
    threads: isTraining(config) ? config.threads : 1,
    model: from.model,
    task: isTraining(config) ? trainTask(job, config, ground) : evaluateTask(job, config),
  };
}

function trainTask(job: JobRow, config: TrainConfig, { start, from, resumes }: JobGround): TrainTask {
  const { evaluation, checkpoint } = config;
  return {
    type: 'train',
    seed: job.seed,
    experience: from.experience,
    resumes,
    allowInexactResume: config.allow_inexact_resume ?? false,
    timesteps: from.timesteps,
    endTimesteps: start.timesteps + config.total_timesteps,
    // Absent in a job that was queued before there was such a thing.
    numEnvs: config.num_envs ?? 1,
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
