// What a job's worker reports on its way, carried into the journal, the checkpoints and the published policies. Its first and its
// last word are the scheduler's business.
import type { AgentStore } from '../storage/agents.ts';
import type { CheckpointRow } from '../storage/checkpoints.ts';
import type { JobProgress } from '../storage/jobs.ts';
import type { TransitionStore } from '../storage/transitions.ts';
import type { JobMessage } from '../workers/protocol.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type EvaluateConfig, isLearning, isTraining, type JobConfig } from './job-config.ts';
import type { JobJournal } from './job-journal.ts';
import { progressFields } from './job-progress.ts';
import type { Policies } from './policies.ts';
import { Rate } from './rate.ts';

/** How fast one attempt of a job goes. */
export interface Pace {
  readonly steps: Rate;
  readonly updates: Rate;
}

export const newPace = (): Pace => ({ steps: new Rate(), updates: new Rate() });

type Report<T extends JobMessage['type']> = Extract<JobMessage, { type: T }>;

export class JobRecorder {
  readonly #journal: JobJournal;
  readonly #agents: AgentStore;
  readonly #checkpoints: Checkpoints;
  readonly #transitions: TransitionStore;
  readonly #policies: Policies;

  constructor(options: {
    readonly journal: JobJournal;
    readonly agents: AgentStore;
    readonly checkpoints: Checkpoints;
    readonly transitions: TransitionStore;
    readonly policies: Policies;
  }) {
    this.#journal = options.journal;
    this.#agents = options.agents;
    this.#checkpoints = options.checkpoints;
    this.#transitions = options.transitions;
    this.#policies = options.policies;
  }

  metrics(id: string, { timesteps, values }: Report<'metrics'>): void {
    this.#journal.metrics(id, timesteps, values);
    const data = { timesteps, metrics: values };
    this.#journal.record(id, { type: 'job.metrics', step: timesteps, time: new Date(), data });
  }

  episode(id: string, { timesteps, episode, return: episodeReturn, length }: Report<'episode'>): void {
    const data = { timesteps, episode, return: episodeReturn, length };
    this.#journal.metrics(id, timesteps, { 'rollout/return': episodeReturn, 'rollout/length': length });
    this.#journal.record(id, { type: 'job.episode', step: timesteps, time: new Date(), data });
  }

  log(id: string, message: string): void {
    this.#journal.record(id, { type: 'job.log', step: null, time: new Date(), data: { message } });
  }

  policy(id: string, { timesteps, state }: Report<'policy'>): void {
    this.#policies.publish(this.#journal.get(id).agentId, timesteps, state);
  }

  progress(id: string, report: Report<'progress'>, pace: Pace): void {
    const job = this.#journal.get(id);
    const now = Date.now();
    const { episodes, updates } = report;
    const config = job.config as unknown as JobConfig;
    const began = isTraining(config) || isLearning(config) ? this.#checkpoints.row(job.startCheckpointId).timesteps : 0;
    const timesteps = report.timesteps - began;
    const { totalTimesteps } = job.progress;
    const stepsPerSecond = pace.steps.add(timesteps, now);
    const updatesPerSecond = pace.updates.add(updates, now);
    const progress: JobProgress = {
      timesteps,
      totalTimesteps,
      fraction: fractionOf(config, { timesteps, totalTimesteps, episodes, updates }),
      episodes,
      updates,
      stepsPerSecond,
      updatesPerSecond,
      etaS: etaOf(config, { timesteps, totalTimesteps, updates, stepsPerSecond, updatesPerSecond }),
    };
    this.#journal.update(id, { progress });
    this.#journal.broadcast(id, {
      id: null,
      type: 'job.progress',
      time: new Date(now),
      data: progressFields(progress),
    });
  }

  /** The files are durable already: list them, move the agent there, let the oldest go. All in one transaction. */
  checkpoint(id: string, report: Report<'checkpoint'>): CheckpointRow | null {
    const { timesteps, step, model, experience } = report;
    const job = this.#journal.get(id);
    const { agentId } = job;
    const config = job.config as unknown as Exclude<JobConfig, EvaluateConfig>;
    const isBest = report.isBest && isTraining(config) && config.checkpoint.keep_best;
    let kept: CheckpointRow | undefined;
    this.#journal.flush(() => {
      const state = { timesteps, model, experience };
      kept = this.#checkpoints.insert({ agentId, jobId: id, step, state, isBest });
      this.#agents.setCheckpoint(agentId, kept.id);
      if (isLearning(config)) this.#transitions.take(agentId, config.transitions_through);
      this.#checkpoints.keepOfJob(id, config.checkpoint.keep_last);
    });
    if (kept === undefined) return null;
    this.#journal.update(id, { attempts: 0 });
    const data = { timesteps, checkpoint_id: kept.id };
    this.#journal.record(id, { type: 'job.checkpoint', step, time: kept.createdAt, data });
    return kept;
  }
}

type Counts = Pick<JobProgress, 'timesteps' | 'totalTimesteps' | 'episodes' | 'updates'>;

function fractionOf(config: JobConfig, { timesteps, totalTimesteps, episodes, updates }: Counts): number {
  if (isTraining(config)) return timesteps / totalTimesteps;
  return isLearning(config) ? updates / config.gradient_steps : episodes / episodesOf(config);
}

function etaOf(config: JobConfig, progress: Omit<JobProgress, 'fraction' | 'episodes' | 'etaS'>): number | null {
  const { timesteps, totalTimesteps, updates, stepsPerSecond, updatesPerSecond } = progress;
  if (isTraining(config)) return stepsPerSecond > 0 ? (totalTimesteps - timesteps) / stepsPerSecond : null;
  return isLearning(config) && updatesPerSecond > 0 ? (config.gradient_steps - updates) / updatesPerSecond : null;
}

/** Episodes that an evaluation plays in all. */
const episodesOf = ({ episodes, perturbations }: EvaluateConfig): number => episodes * (1 + perturbations.length);
