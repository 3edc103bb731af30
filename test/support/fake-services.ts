// Services for what a real server cannot be brought to do on demand: to fail, to fill its disk, and to emit any event of a
// job at any time. Whatever is not here throws `failure`.
import type { JobsService, MetricsService, Services } from '../../src/api/services.ts';
import { DomainError } from '../../src/errors.ts';
import { newId } from '../../src/services/ids.ts';
import { isTerminal } from '../../src/services/job-states.ts';
import type { JobRecord } from '../../src/services/jobs.ts';
import type { JobEvent, JobState } from '../../src/storage/jobs.ts';

export interface FakeJob {
  record: JobRecord;
  readonly events: JobEvent[];
  readonly listeners: Set<(event: JobEvent) => void>;
}

export interface FakeServices extends Services {
  readonly jobStore: ReadonlyMap<string, FakeJob>;
  /** What every call throws; null = jobs answer. */
  failure: Error | null;
  /** A queued job; returns its id. */
  addJob(): string;
  /** Stores an event of a job and sends it to who listens; progress is only sent. */
  emit(jobId: string, type: JobEvent['type'], data?: Record<string, unknown>): void;
  /** Moves a job to a state; a terminal one also emits `job.done`. */
  setState(jobId: string, state: JobState): void;
}

export function fakeServices(): FakeServices {
  const jobs = new Map<string, FakeJob>();
  const find = (id: string): FakeJob => {
    if (fake.failure !== null) throw fake.failure;
    const job = jobs.get(id);
    if (job === undefined) throw new DomainError('job_not_found', `There is no job ${id}.`);
    return job;
  };
  const fails = <T extends object>(answers: Partial<T> = {}): T =>
    new Proxy(answers as T, {
      get: (target, name) =>
        Reflect.get(target, name) ??
        (() => {
          throw fake.failure ?? new Error(`The fake has no ${String(name)}.`);
        }),
    });

  const fake: FakeServices = {
    jobStore: jobs,
    failure: null,
    addJob() {
      const record = queuedJob();
      jobs.set(record.id, { record, events: [], listeners: new Set() });
      fake.emit(record.id, 'job.state', { state: 'queued' });
      return record.id;
    },
    emit(jobId, type, data = {}) {
      const job = find(jobId);
      const id = type === 'job.progress' ? null : job.events.length + 1;
      const event: JobEvent = { id, type, time: new Date(), data };
      if (id !== null) job.events.push(event);
      for (const listener of [...job.listeners]) listener(event);
    },
    setState(jobId, state) {
      const job = find(jobId);
      job.record = { ...job.record, state };
      fake.emit(jobId, 'job.state', { state });
      if (isTerminal(state)) fake.emit(jobId, 'job.done', { state });
    },
    server: fails(),
    metrics: fails<MetricsService>({ request: () => undefined }),
    catalogue: fails(),
    environments: fails(),
    agents: fails(),
    checkpoints: fails(),
    replays: fails(),
    transitions: fails(),
    backups: fails(),
    idempotency: { once: async (_request, work) => ({ fresh: await work(() => undefined) }) },
    jobs: fails<JobsService>({
      get: (id) => find(id).record,
      async wait(id, seconds, signal) {
        const job = find(id);
        await new Promise<void>((resolve) => {
          const done = () => {
            clearTimeout(timer);
            resolve();
          };
          const timer = setTimeout(done, seconds * 1000);
          signal.addEventListener('abort', done, { once: true });
          job.listeners.add((event) => event.type === 'job.done' && done());
        });
        return job.record;
      },
      events: (id, { after, limit }) =>
        find(id)
          .events.filter((event) => (event.id ?? 0) > after)
          .slice(0, limit),
      subscribe(id, { after }, listener) {
        const job = find(id);
        for (const event of job.events) if ((event.id ?? 0) > after) listener(event);
        job.listeners.add(listener);
        return () => job.listeners.delete(listener);
      },
    }),
  };
  return fake;
}

function queuedJob(): JobRecord {
  const now = new Date();
  return {
    id: newId('job'),
    type: 'train',
    state: 'queued',
    agentId: newId('agt'),
    config: { total_timesteps: 10 },
    seed: 0,
    progress: {
      timesteps: 0,
      totalTimesteps: 10,
      fraction: 0,
      episodes: 0,
      updates: 0,
      stepsPerSecond: 0,
      updatesPerSecond: 0,
      etaS: null,
    },
    metrics: { 'loss/critic': Number.NaN },
    error: null,
    result: null,
    labels: {},
    createdAt: now,
    startedAt: null,
    endedAt: null,
    updatedAt: now,
  };
}
