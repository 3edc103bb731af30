// Starts queued jobs in order, as many at a time as there are slots, and carries what their threads report into the journal.
import type { Hyperparameters } from '../agent/algorithm.ts';
import type { EngineName } from '../compute/engine.ts';
import type { EngineSettings } from '../compute/engines.ts';
import type { AgentStore } from '../storage/agents.ts';
import type { CheckpointRow } from '../storage/checkpoints.ts';
import type { JobProgress, JobRow } from '../storage/jobs.ts';
import type { Evaluation, PerturbedEvaluation } from '../training/evaluate.ts';
import { JobThread } from '../workers/job-thread.ts';
import type { EvaluateTask, JobAssignment, JobMessage, TrainTask } from '../workers/protocol.ts';
import type { AgentState, Checkpoints } from './checkpoints.ts';
import type { EvaluateConfig, TrainConfig } from './job-config.ts';
import type { JobJournal } from './job-journal.ts';
import type { Policies } from './policies.ts';
import { Rate } from './rate.ts';

interface Running {
  readonly thread: JobThread;
  readonly steps: Rate;
  readonly updates: Rate;
  /** Requests for a checkpoint that wait for the next one. */
  waiting: { resolve: (row: CheckpointRow) => void; reject: (error: Error) => void }[];
}

/**
 * Starts in a row without a checkpoint in between. A thread that dies is the job's own doing sooner than a server that is
 * stopped from outside; but a native crash takes the server with it, so that is not free either.
 */
const MAX_ATTEMPTS = { threadsLost: 3, starts: 10 } as const;
/** A cancelled job may be in the middle of an update; one that takes longer is cut off. */
const CANCEL_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 20_000;

export class Scheduler {
  readonly #journal: JobJournal;
  readonly #agents: AgentStore;
  readonly #checkpoints: Checkpoints;
  readonly #policies: Policies;
  readonly #dataDir: string;
  readonly #engines: EngineSettings;
  readonly #slots: number;
  readonly #onError: (error: unknown) => void;
  readonly #running = new Map<string, Running>();
  #stopping = false;
  #onIdle: (() => void) | null = null;

  constructor(options: {
    readonly journal: JobJournal;
    readonly agents: AgentStore;
    readonly checkpoints: Checkpoints;
    readonly policies: Policies;
    readonly dataDir: string;
    readonly engines: EngineSettings;
    readonly slots: number;
    /** Told what went wrong beside the jobs themselves. */
    readonly onError: (error: unknown) => void;
  }) {
    this.#journal = options.journal;
    this.#agents = options.agents;
    this.#checkpoints = options.checkpoints;
    this.#policies = options.policies;
    this.#dataDir = options.dataDir;
    this.#engines = options.engines;
    this.#slots = options.slots;
    this.#onError = options.onError;
  }

  get slots(): number {
    return this.#slots;
  }

  /** After a restart: what ran goes back to the queue or, without `resume`, fails; what was being cancelled is cancelled. */
  recover(resume: boolean): void {
    for (const { id, state } of this.#journal.unfinished()) {
      if (state === 'cancelling') this.#journal.transition(id, 'cancelled', { data: { reason: 'server_restarted' } });
      if (state !== 'running') continue;
      if (resume) this.#journal.transition(id, 'queued', { data: { reason: 'server_restarted' } });
      else {
        const message =
          'The server stopped while the job ran, and is told not to resume jobs (--resume-jobs false). Train again to go on from the last checkpoint.';
        this.#journal.transition(id, 'failed', { change: { error: { code: 'worker_lost', message } } });
      }
    }
    this.schedule();
  }

  /** Starts what can start. Called whenever a job is queued or a slot falls free. */
  schedule(): void {
    for (const job of this.#journal.unfinished()) {
      if (this.#stopping || this.#running.size >= this.#slots) return;
      if (job.state === 'queued') this.#start(job);
    }
  }

  cancel(id: string): JobRow {
    const job = this.#journal.get(id);
    if (job.state === 'cancelling') return job;
    if (job.state === 'queued') return this.#journal.transition(id, 'cancelled');
    const cancelling = this.#journal.transition(id, 'cancelling');
    const running = this.#running.get(id);
    running?.thread.tell({ type: 'cancel' });
    setTimeout(() => {
      // Not a later attempt of the same job.
      if (this.#running.get(id) === running) void running?.thread.terminate();
    }, CANCEL_WITHIN_MS).unref();
    return cancelling;
  }

  /** The next checkpoint of a running job, written as soon as its loop comes by; null where the job does not run. */
  checkpoint(id: string): Promise<CheckpointRow> | null {
    const running = this.#running.get(id);
    if (running === undefined) return null;
    return new Promise((resolve, reject) => {
      running.waiting.push({ resolve, reject });
      running.thread.tell({ type: 'checkpoint' });
    });
  }

  /** Lets running jobs write a checkpoint and go back to the queue, for the next start of the server. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#running.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    for (const { thread } of this.#running.values()) thread.tell({ type: 'cancel' });
    const timer = setTimeout(() => {
      for (const { thread } of this.#running.values()) void thread.terminate();
    }, STOP_WITHIN_MS);
    await idle;
    clearTimeout(timer);
  }

  #start(job: JobRow): void {
    const own = this.#checkpoints.ofJob(job.id)[0];
    if (job.attempts >= MAX_ATTEMPTS.starts) {
      this.#failInLoop(job);
      return;
    }
    const start = this.#checkpoints.row(job.startCheckpointId);
    const from = own ?? start;
    const isTraining = job.type === 'train';
    const resumes = job.attempts > 0 || own !== undefined;
    this.#journal.transition(job.id, 'running', {
      change: { attempts: job.attempts + 1, startedAt: job.startedAt ?? new Date() },
      data: { attempt: job.attempts + 1, ...(resumes && { resumed_from_step: isTraining ? from.timesteps : 0 }) },
      within: () => this.#journal.rewind(job.id, isTraining ? from.timesteps : -1),
    });
    const thread = new JobThread(this.#assignment(job, { start, from, resumes: own !== undefined }), {
      onMessage: (message) => this.#guarded(job.id, () => this.#receive(job.id, message)),
      onExit: () => this.#guarded(job.id, () => this.#ended(job.id)),
    });
    this.#running.set(job.id, { thread, steps: new Rate(), updates: new Rate(), waiting: [] });
  }

  #assignment(
    job: JobRow,
    { start, from, resumes }: { start: CheckpointRow; from: CheckpointRow; resumes: boolean },
  ): JobAssignment {
    const agent = this.#agents.find(job.agentId);
    if (agent === undefined) throw new Error(`Job ${job.id} is of agent ${job.agentId}, which does not exist.`);
    const config = job.config as unknown as TrainConfig | EvaluateConfig;
    return {
      algorithm: agent.algorithm,
      hyperparameters: agent.hyperparameters as Hyperparameters,
      specId: agent.specId,
      envKwargs: agent.envKwargs,
      dataDir: this.#dataDir,
      engines: this.#engines,
      engine: config.engine as EngineName,
      threads: 'threads' in config ? config.threads : 1,
      model: from.model,
      task:
        'total_timesteps' in config
          ? trainTask(job, config, { start, from: this.#checkpoints.stateOf(from.id), resumes })
          : ({
              type: 'evaluate',
              seed: job.seed,
              episodes: config.episodes,
              deterministic: config.deterministic,
              perturbations: config.perturbations,
            } satisfies EvaluateTask),
    };
  }

  /** What a thread reports may not be storable (a full disk): that ends the thread, never the server. The journal tries again. */
  #guarded(id: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onError(error);
      void this.#running.get(id)?.thread.terminate();
    }
  }

  #receive(id: string, message: JobMessage): void {
    const journal = this.#journal;
    const time = new Date();
    switch (message.type) {
      case 'progress':
        this.#progress(id, message);
        break;
      case 'metrics': {
        const { timesteps, values: metrics } = message;
        journal.metrics(id, timesteps, metrics);
        journal.record(id, { type: 'job.metrics', step: timesteps, time, data: { timesteps, metrics } });
        break;
      }
      case 'episode': {
        const { timesteps, episode, return: episodeReturn, length } = message;
        const data = { timesteps, episode, return: episodeReturn, length };
        journal.metrics(id, timesteps, { 'rollout/return': episodeReturn, 'rollout/length': length });
        journal.record(id, { type: 'job.episode', step: timesteps, time, data });
        break;
      }
      case 'checkpoint':
        this.#keepCheckpoint(id, message);
        break;
      case 'policy':
        this.#policies.publish(journal.get(id).agentId, message.timesteps, message.state);
        break;
      case 'log':
        journal.record(id, { type: 'job.log', step: null, time, data: { message: message.message } });
        break;
      case 'done':
        this.#finish(id, message);
        break;
      case 'failed':
        this.#fail(id, message.error);
        break;
      default:
        throw new TypeError(`A job thread sent ${JSON.stringify(message satisfies never)}.`);
    }
  }

  #progress(id: string, message: Extract<JobMessage, { type: 'progress' }>): void {
    const job = this.#journal.get(id);
    const running = this.#running.get(id);
    if (running === undefined) return;
    const now = Date.now();
    const { episodes, updates } = message;
    const isTraining = job.type === 'train';
    const timesteps = message.timesteps - (isTraining ? this.#checkpoints.row(job.startCheckpointId).timesteps : 0);
    const { totalTimesteps } = job.progress;
    const wantedEpisodes = isTraining ? 1 : episodesOf(job.config as unknown as EvaluateConfig);
    const fraction = isTraining ? timesteps / totalTimesteps : episodes / wantedEpisodes;
    const stepsPerSecond = running.steps.add(timesteps, now);
    const updatesPerSecond = running.updates.add(updates, now);
    const etaS = isTraining && stepsPerSecond > 0 ? (totalTimesteps - timesteps) / stepsPerSecond : null;
    const progress: JobProgress = {
      timesteps,
      totalTimesteps,
      fraction,
      episodes,
      updates,
      stepsPerSecond,
      updatesPerSecond,
      etaS,
    };
    this.#journal.update(id, { progress });
    this.#journal.broadcast(id, {
      id: null,
      type: 'job.progress',
      time: new Date(now),
      data: {
        timesteps,
        total_timesteps: totalTimesteps,
        fraction,
        episodes,
        updates,
        steps_per_second: stepsPerSecond,
        updates_per_second: updatesPerSecond,
        eta_s: etaS,
      },
    });
  }

  /** The files are durable already: list them, move the agent there, let the oldest go. All in one transaction. */
  #keepCheckpoint(
    id: string,
    { timesteps, model, experience, isBest }: Extract<JobMessage, { type: 'checkpoint' }>,
  ): void {
    const { agentId, config } = this.#journal.get(id);
    const { keep_last: keepLast, keep_best: keepsBest } = (config as unknown as TrainConfig).checkpoint;
    let kept: CheckpointRow | undefined;
    this.#journal.flush(() => {
      const state = { timesteps, model, experience };
      kept = this.#checkpoints.insert({ agentId, jobId: id, state, isBest: isBest && keepsBest });
      this.#agents.setCheckpoint(agentId, kept.id);
      this.#checkpoints.keepOfJob(id, keepLast);
    });
    if (kept === undefined) return;
    this.#journal.update(id, { attempts: 0 });
    this.#journal.record(id, {
      type: 'job.checkpoint',
      step: timesteps,
      time: kept.createdAt,
      data: { timesteps, checkpoint_id: kept.id },
    });
    const running = this.#running.get(id);
    for (const { resolve } of running?.waiting.splice(0) ?? []) resolve(kept);
  }

  #finish(id: string, { outcome, evaluation }: Extract<JobMessage, { type: 'done' }>): void {
    const { state, agentId, config } = this.#journal.get(id);
    this.#policies.withdraw(agentId);
    if (outcome !== 'cancelled') {
      const result = evaluation ? resultOf(config as unknown as EvaluateConfig, evaluation) : { outcome };
      this.#journal.transition(id, 'succeeded', { change: { result } });
    } else if (state === 'cancelling') {
      this.#journal.transition(id, 'cancelled');
    } else {
      this.#journal.transition(id, 'queued', { data: { reason: 'server_stopping' } });
    }
  }

  #fail(id: string, error: { readonly code: string; readonly message: string }): void {
    const { state, agentId } = this.#journal.get(id);
    this.#policies.withdraw(agentId);
    if (state === 'cancelling') {
      this.#journal.transition(id, 'cancelled', { change: { error } });
    } else if (error.code === 'worker_lost' && this.#journal.get(id).attempts >= MAX_ATTEMPTS.threadsLost) {
      this.#failInLoop(this.#journal.get(id));
    } else if (error.code === 'worker_lost') {
      // Not the job's doing, perhaps: it goes on from its newest checkpoint, and a third loss in a row ends it.
      this.#journal.transition(id, 'queued', { data: { reason: error.code, message: error.message } });
    } else {
      this.#journal.transition(id, 'failed', { change: { error } });
    }
  }

  #failInLoop({ id, attempts }: JobRow): void {
    const message = `The job was started ${attempts} times in a row without reaching a checkpoint; look at its events for what ended it, lower its demands or let it write checkpoints more often, and train again.`;
    this.#journal.transition(id, 'failed', { change: { error: { code: 'crash_loop', message } } });
  }

  #ended(id: string): void {
    const running = this.#running.get(id);
    this.#running.delete(id);
    for (const { reject } of running?.waiting ?? [])
      reject(new Error(`Job ${id} ended before its checkpoint was written.`));
    if (this.#running.size === 0) this.#onIdle?.();
    this.schedule();
  }
}

/** Episodes that an evaluation plays in all. */
const episodesOf = ({ episodes, perturbations }: EvaluateConfig): number => episodes * (1 + perturbations.length);

function resultOf({ perturbations }: EvaluateConfig, { perturbed, ...plain }: PerturbedEvaluation) {
  return {
    ...evaluationResult(plain),
    perturbations: perturbed.map((evaluation, i) => ({ ...perturbations[i], ...evaluationResult(evaluation) })),
  };
}

function evaluationResult({
  episodes,
  returnMean,
  returnStd,
  lengthMean,
}: Evaluation): Readonly<Record<string, unknown>> {
  return {
    episodes: episodes.length,
    returns: episodes.map((episode) => episode.return),
    lengths: episodes.map((episode) => episode.length),
    return_mean: returnMean,
    return_std: returnStd,
    length_mean: lengthMean,
  };
}

function trainTask(
  job: JobRow,
  config: TrainConfig,
  { start, from, resumes }: { start: CheckpointRow; from: AgentState; resumes: boolean },
): TrainTask {
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
