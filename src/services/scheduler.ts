// Starts queued jobs, those of the highest priority first, as many at a time as there are slots; pauses, cancels and restarts them.
import { performance } from 'node:perf_hooks';
import type { EngineSettings } from '../compute/engines.ts';
import { DomainError, type ErrorCode } from '../errors.ts';
import type { AgentStore } from '../storage/agents.ts';
import type { CheckpointRow } from '../storage/checkpoints.ts';
import type { JobRow } from '../storage/jobs.ts';
import type { TransitionStore } from '../storage/transitions.ts';
import type { JobHost, JobHostHandlers } from '../workers/job-host.ts';
import type { JobAssignment, JobMessage } from '../workers/protocol.ts';
import type { Checkpoints } from './checkpoints.ts';
import { fallBackOfJob, lastGoodOf } from './fall-back.ts';
import { assignmentOf } from './job-assignment.ts';
import { type EvaluateConfig, type LearnConfig, priorityOf } from './job-config.ts';
import type { JobJournal } from './job-journal.ts';
import { JobRecorder, newPace, type Pace } from './job-recorder.ts';
import { evaluationResult } from './job-results.ts';
import { assertTransition } from './job-states.ts';
import type { JobWatchdog } from './job-watchdog.ts';
import type { Policies } from './policies.ts';

export interface Running {
  readonly host: JobHost;
  /** The checkpoint that it was started at. */
  readonly from: string;
  readonly pace: Pace;
  /** Requests for a checkpoint that wait for the next one. */
  readonly waiting: { resolve: (row: CheckpointRow) => void; reject: (error: Error) => void }[];
}

export type StartWorker = (assignment: JobAssignment, handlers: JobHostHandlers) => JobHost;

/**
 * Starts in a row without a checkpoint in between. A worker that dies is the job's own doing sooner than a server that is
 * stopped from outside; but a native crash may take the server with it, so that is not free either.
 */
const MAX_ATTEMPTS = { workersLost: 3, starts: 10 } as const;
/** A cancelled job may be in the middle of an update; one that takes longer is cut off. */
const CANCEL_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 20_000;
/** After a start that the disk forbade. */
const START_AGAIN_AFTER_MS = 5_000;
/** What ends a job because its numbers are of no use any more. */
const ASTRAY: ReadonlySet<string> = new Set(['non_finite', 'diverged'] satisfies ErrorCode[]);

export class Scheduler {
  readonly #journal: JobJournal;
  readonly #agents: AgentStore;
  readonly #checkpoints: Checkpoints;
  readonly #policies: Policies;
  readonly #transitions: TransitionStore;
  readonly #recorder: JobRecorder;
  readonly #dataDir: string;
  readonly #engines: EngineSettings;
  readonly #startWorker: StartWorker;
  readonly #watchdog: JobWatchdog;
  readonly #onError: (error: unknown) => void;
  readonly #running = new Map<string, Running>();
  readonly slots: number;
  /** Why no job may start, in words; null = they may. */
  #held: string | null = null;
  #stopping = false;
  #onIdle: (() => void) | null = null;
  #watch: NodeJS.Timeout | null = null;

  constructor(options: {
    readonly journal: JobJournal;
    readonly agents: AgentStore;
    readonly checkpoints: Checkpoints;
    readonly policies: Policies;
    readonly transitions: TransitionStore;
    readonly dataDir: string;
    readonly engines: EngineSettings;
    readonly slots: number;
    readonly startWorker: StartWorker;
    readonly watchdog: JobWatchdog;
    /** Told what went wrong beside the jobs themselves. */
    readonly onError: (error: unknown) => void;
  }) {
    this.#journal = options.journal;
    this.#agents = options.agents;
    this.#checkpoints = options.checkpoints;
    this.#policies = options.policies;
    this.#transitions = options.transitions;
    this.#recorder = new JobRecorder(options);
    this.#dataDir = options.dataDir;
    this.#engines = options.engines;
    this.slots = options.slots;
    this.#startWorker = options.startWorker;
    this.#watchdog = options.watchdog;
    this.#onError = options.onError;
  }

  /** After a restart: what ran goes back to the queue or, without `resume`, fails; what was about to pause or to be cancelled, is. */
  recover(resume: boolean): void {
    const data = { reason: 'server_restarted' };
    for (const { id, state } of this.#journal.unfinished()) {
      if (state === 'cancelling') this.#journal.transition(id, 'cancelled', { data });
      if (state === 'pausing') this.#journal.transition(id, 'paused', { data });
      if (state !== 'running') continue;
      if (resume) this.#journal.transition(id, 'queued', { data });
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
    // Of one priority the oldest first: the sort is stable.
    const jobs = this.#journal.unfinished().filter(({ state }) => state === 'queued');
    for (const job of jobs.sort((a, b) => priorityOf(b) - priorityOf(a))) {
      if (this.#stopping || this.#held !== null || this.#running.size >= this.slots) return;
      // The worker of its last attempt may be about to end.
      if (!this.#running.has(job.id)) this.#start(job);
    }
  }

  cancel(id: string): JobRow {
    const { state, ...job } = this.#journal.get(id);
    if (state === 'cancelling') return { ...job, state };
    if (state === 'queued' || state === 'paused') return this.#journal.transition(id, 'cancelled');
    assertTransition(id, state, 'cancelling');
    const running = this.#running.get(id);
    // Before it is stored, which a full disk may forbid.
    running?.host.tell({ type: 'cancel' });
    setTimeout(() => {
      // Not a later attempt of the same job.
      if (this.#running.get(id) === running) running?.host.terminate('it did not end within 10 s of being cancelled');
    }, CANCEL_WITHIN_MS).unref();
    return this.#journal.transition(id, 'cancelling');
  }

  /** A running job writes a checkpoint and ends its worker; `resume` starts another one there. */
  pause(id: string, data: Readonly<Record<string, unknown>> = {}): JobRow {
    const job = this.#journal.get(id);
    if (job.state === 'pausing' || job.state === 'paused') return job;
    if (job.state === 'queued') return this.#journal.transition(id, 'paused', { data });
    assertTransition(id, job.state, 'pausing');
    this.#running.get(id)?.host.tell({ type: 'cancel' });
    return this.#journal.transition(id, 'pausing', { data });
  }

  /** Throws `invalid_state_transition` unless the job is paused, and `disk_full` while jobs are held for want of room. */
  resume(id: string): JobRow {
    const { state } = this.#journal.get(id);
    if (state !== 'paused') {
      const remedy = state === 'pausing' ? 'wait until it is paused' : 'only a paused job can be resumed';
      throw new DomainError('invalid_state_transition', `Job ${id} is ${state}; ${remedy}.`);
    }
    this.assertNotHeld();
    this.#journal.transition(id, 'queued', { data: { reason: 'resumed' } });
    this.schedule();
    return this.#journal.get(id);
  }

  /** From now on no job starts, and those that run are paused; `why` says to a reader what to do about it. */
  hold(why: string): void {
    this.#held = why;
    // Not those whose worker has yet to end: such a job is over, and may be deleted already.
    for (const { id, state } of this.#journal.unfinished()) {
      if (state !== 'running') continue;
      this.#guarded(id, () => {
        this.#recorder.log(id, `Paused: ${why}, then resume the job.`);
        this.pause(id, { reason: 'disk_reserve' });
      });
    }
  }

  /** Jobs start again. Those that `hold` paused wait for who resumes them. */
  release(): void {
    if (this.#held === null) return;
    this.#held = null;
    this.schedule();
  }

  /** Throws `disk_full` while jobs are held. */
  assertNotHeld(what = 'No job starts now'): void {
    if (this.#held !== null) throw new DomainError('disk_full', `${what}: ${this.#held}, then try again.`);
  }

  /** The next checkpoint of a running job, written as soon as its loop comes by; null where the job does not run. */
  checkpoint(id: string): Promise<CheckpointRow> | null {
    const running = this.#running.get(id);
    if (running === undefined) return null;
    return new Promise((resolve, reject) => {
      running.waiting.push({ resolve, reject });
      running.host.tell({ type: 'checkpoint' });
    });
  }

  /** Lets running jobs write a checkpoint and go back to the queue, for the next start of the server. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#running.size > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      for (const { host } of this.#running.values()) host.tell({ type: 'cancel' });
      const timer = setTimeout(() => {
        for (const { host } of this.#running.values()) host.terminate('the server stops');
      }, STOP_WITHIN_MS);
      await idle;
      clearTimeout(timer);
    }
    if (this.#watch !== null) clearInterval(this.#watch);
  }

  #start(job: JobRow): void {
    const own = this.#checkpoints.ofJob(job.id).find(({ id }) => !this.#checkpoints.isDamaged(id));
    if (job.attempts >= MAX_ATTEMPTS.starts) {
      this.#failInLoop(job);
      return;
    }
    const start = this.#checkpoints.row(job.startCheckpointId);
    const from = own ?? start;
    const step = own?.step ?? beginOf(job, start);
    const resumes = job.attempts > 0 || own !== undefined;
    try {
      this.#journal.transition(job.id, 'running', {
        change: { attempts: job.attempts + 1, startedAt: job.startedAt ?? new Date() },
        data: { attempt: job.attempts + 1, ...(resumes && { resumed_from_step: step ?? 0 }) },
        within: () => this.#journal.rewind(job.id, step ?? -1),
      });
    } catch (error) {
      this.#takeBack(job.id);
      throw error;
    }
    const agent = this.#agents.find(job.agentId);
    if (agent === undefined) throw new Error(`Job ${job.id} is of agent ${job.agentId}, which does not exist.`);
    const assignment = assignmentOf(job, {
      agent,
      start,
      from: this.#checkpoints.stateOf(from.id),
      step: own?.step ?? null,
      batches: this.#batchesOf(job),
      dataDir: this.#dataDir,
      engines: this.#engines,
    });
    const host = this.#startWorker(assignment, {
      onMessage: (message) => this.#guarded(job.id, () => this.#receive(job.id, message)),
      onExit: () => this.#guarded(job.id, () => this.#ended(job.id)),
    });
    this.#running.set(job.id, { host, from: from.id, pace: newPace(), waiting: [] });
    this.#watch ??= setInterval(() => this.#endSilent(), this.#watchdog.everyMs).unref();
  }

  /** What a learning job has not taken in yet. */
  #batchesOf({ type, agentId, config }: JobRow) {
    if (type !== 'learn') return [];
    return this.#transitions.pending(agentId, (config as unknown as LearnConfig).transitions_through);
  }

  /** A start that could not be stored: the journal has the job as running, where without a worker it would stay for good. */
  #takeBack(id: string): void {
    try {
      this.#journal.transition(id, 'queued', { data: { reason: 'disk_full' } });
    } catch {
      // Nor can this be stored now. It counts all the same, and the journal tries again; the first error is told.
    }
    setTimeout(() => this.#guarded(id, () => this.schedule()), START_AGAIN_AFTER_MS).unref();
  }

  /** What a worker reports may not be storable (a full disk): that ends the worker, never the server. The journal tries again. */
  #guarded(id: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onError(error);
      this.#running.get(id)?.host.terminate('what it reported could not be stored');
    }
  }

  #receive(id: string, message: JobMessage): void {
    const recorder = this.#recorder;
    const running = this.#running.get(id);
    switch (message.type) {
      case 'progress':
        if (running !== undefined) recorder.progress(id, message, running.pace);
        break;
      case 'metrics':
        recorder.metrics(id, message);
        break;
      case 'episode':
        recorder.episode(id, message);
        break;
      case 'checkpoint': {
        const kept = recorder.checkpoint(id, message);
        for (const { resolve } of running?.waiting.splice(0) ?? []) if (kept !== null) resolve(kept);
        break;
      }
      case 'policy':
        recorder.policy(id, message);
        break;
      case 'log':
        recorder.log(id, message.message);
        break;
      case 'done':
        this.#finish(id, message);
        break;
      case 'failed':
        this.#fail(id, message.error);
        break;
      default:
        throw new TypeError(`A job's worker sent ${JSON.stringify(message satisfies never)}.`);
    }
  }

  #finish(id: string, { outcome, evaluation }: Extract<JobMessage, { type: 'done' }>): void {
    const { state, agentId, config } = this.#journal.get(id);
    this.#policies.withdraw(agentId);
    if (outcome !== 'cancelled') {
      const result = evaluation ? evaluationResult(config as unknown as EvaluateConfig, evaluation) : { outcome };
      this.#journal.transition(id, 'succeeded', { change: { result } });
    } else if (state === 'cancelling') {
      this.#journal.transition(id, 'cancelled');
    } else if (state === 'pausing') {
      this.#journal.transition(id, 'paused');
    } else {
      this.#journal.transition(id, 'queued', { data: { reason: 'server_stopping' } });
    }
  }

  #fail(id: string, error: { readonly code: string; readonly message: string }): void {
    const job = this.#journal.get(id);
    const { state, attempts } = job;
    this.#policies.withdraw(job.agentId);
    if (state === 'cancelling') {
      this.#journal.transition(id, 'cancelled', { change: { error } });
    } else if (error.code === 'checkpoint_corrupt' && this.#fallsBack(job, error.message)) {
      // It goes on from an earlier checkpoint.
    } else if (state === 'pausing' && (error.code === 'worker_lost' || error.code === 'disk_full')) {
      // What it was about to write is lost, and nothing before that: it is resumed from its newest checkpoint.
      this.#recorder.log(id, `Paused without a checkpoint of this moment: ${error.message}`);
      this.#journal.transition(id, 'paused', { data: { reason: error.code } });
    } else if (error.code !== 'worker_lost') {
      const lastGood = ASTRAY.has(error.code) && job.type !== 'evaluate' ? lastGoodOf(this.#stores, job) : '';
      this.#journal.transition(id, 'failed', {
        change: { error: { ...error, message: `${error.message}${lastGood}` } },
      });
    } else if (attempts >= MAX_ATTEMPTS.workersLost && !this.#stopping) {
      this.#failInLoop(job, error.message);
    } else {
      // Not the job's doing, perhaps: it goes on from its newest checkpoint, and a third loss in a row ends it.
      this.#journal.transition(id, 'queued', { data: { reason: error.code, message: error.message } });
    }
  }

  /** A job that was started at a damaged checkpoint is started again at the newest one before that is not. Whether there is one. */
  #fallsBack(job: JobRow, why: string): boolean {
    const damaged = this.#running.get(job.id)?.from;
    if (damaged === undefined) return false;
    if (job.type === 'evaluate') {
      // It was asked of this very checkpoint: another one's returns would be no answer.
      this.#checkpoints.markDamaged(damaged, why);
      return false;
    }
    const next = fallBackOfJob(this.#stores, job, damaged, why);
    if (next === null) return false;
    const from = `checkpoint ${next.id} at ${next.timesteps} timesteps`;
    this.#recorder.log(job.id, `Checkpoint ${damaged} is damaged, so the job goes on from ${from}. ${why}`);
    const isOwn = next.jobId === job.id;
    this.#journal.transition(job.id, job.state === 'pausing' ? 'paused' : 'queued', {
      change: { attempts: 0, ...(!isOwn && { startCheckpointId: next.id }) },
      data: { reason: 'checkpoint_corrupt', message: why, damaged_checkpoint_id: damaged, checkpoint_id: next.id },
    });
    return true;
  }

  get #stores() {
    return { agents: this.#agents, checkpoints: this.#checkpoints };
  }

  #failInLoop({ id, attempts }: JobRow, last = ''): void {
    const message = `The job was started ${attempts} times in a row without reaching a checkpoint; look at its events for what ended it, lower its demands or let it write checkpoints more often, and train again.${last && ` The last time: ${last}`}`;
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

  #endSilent(): void {
    const hosts = [...this.#running.values()].map(({ host }) => host);
    for (const host of this.#watchdog.silent(hosts, performance.now())) {
      const seconds = Math.round(this.#watchdog.limitMs / 1000);
      host.terminate(`it was silent for more than ${seconds} s, --job-silence-limit`);
    }
  }
}

/** Where the events of a job begin to count; null where they are all taken back when it is started again. */
function beginOf({ type }: JobRow, start: CheckpointRow): number | null {
  if (type === 'evaluate') return null;
  return type === 'train' ? start.timesteps : 0;
}
