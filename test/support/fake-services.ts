// Services in memory for the tests of the API: small, synchronous where they may be, and easy to put into any state.

import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import type { Services } from '../../src/api/services.ts';
import type { EnvSpec } from '../../src/envs/env.ts';
import type { SpaceDocument } from '../../src/envs/spaces/space.ts';
import { DomainError, type ErrorCode } from '../../src/errors.ts';
import type { AgentRecord, CreateAgent } from '../../src/services/agents.ts';
import type { CheckpointRecord } from '../../src/services/checkpoints.ts';
import type { EnvironmentRecord } from '../../src/services/environments.ts';
import type { JobRecord } from '../../src/services/jobs.ts';
import type { JobEvent, JobState } from '../../src/storage/jobs.ts';
import type { Page, PageQuery } from '../../src/storage/page.ts';

const OBSERVATION_SPACE: SpaceDocument = {
  type: 'Box',
  dtype: 'float64',
  shape: [2],
  low: '-Infinity',
  high: 'Infinity',
};
const ACTION_SPACE: SpaceDocument = { type: 'Box', dtype: 'float32', shape: [1], low: [-1], high: [1] };
const EPISODE_STEPS = 3;

const SPECS: EnvSpec[] = ['Alpha-v0', 'Beta-v0', 'Gamma-v0'].map((id) => ({
  id,
  summary: `${id} for tests.`,
  observationSpace: OBSERVATION_SPACE,
  actionSpace: id === 'Beta-v0' ? { type: 'Discrete', n: 2, start: 0 } : ACTION_SPACE,
  maxEpisodeSteps: EPISODE_STEPS,
  rewardThreshold: id === 'Alpha-v0' ? null : 10,
  kwargsSchema: { type: 'object', properties: { gravity: { type: 'number', default: 9.81 } } },
}));

export interface FakeJob {
  record: JobRecord;
  readonly events: JobEvent[];
  readonly listeners: Set<(event: JobEvent) => void>;
}

export interface FakeServices extends Services {
  readonly jobStore: Map<string, FakeJob>;
  /** Every call throws this, until it is null again. */
  failure: Error | null;
  isReady: boolean;
  maxEnvironments: number;
  /** Stores an event of a job and sends it to who listens; progress is only sent. */
  emit(jobId: string, type: JobEvent['type'], data?: Record<string, unknown>): void;
  /** Moves a job to a state; a terminal one also emits `job.done`. */
  setState(jobId: string, state: JobState): void;
  forgetEnvironment(id: string): void;
  /** Makes an environment answer as if too many calls were waiting. */
  readonly busyEnvironments: Set<string>;
}

export function fakeServices(): FakeServices {
  const environments = new Map<
    string,
    EnvironmentRecord & { lastAnswer?: Awaited<ReturnType<Services['environments']['step']>> }
  >();
  const gone = new Set<string>();
  const agents = new Map<string, AgentRecord>();
  const checkpoints = new Map<string, CheckpointRecord>();
  const jobs = new Map<string, FakeJob>();
  const contentFolder = mkdtempSync(join(tmpdir(), 'gymserve-fake-'));
  const content = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const sha256 = createHash('sha256').update(content).digest('hex');
  writeFileSync(join(contentFolder, 'content'), content);

  const get = <T>(map: ReadonlyMap<string, T>, id: string, code: ErrorCode): T => {
    const found = map.get(id);
    if (found === undefined) throw new DomainError(code, `There is no ${code.replace('_not_found', '')} ${id}.`);
    return found;
  };
  const environment = (id: string) => {
    if (gone.has(id)) throw new DomainError('environment_gone', `Environment ${id} expired; create it again.`);
    if (fake.busyEnvironments.has(id))
      throw new DomainError('too_many_requests', `Environment ${id} has 32 waiting calls.`);
    return get(environments, id, 'environment_not_found');
  };
  const addCheckpoint = (agentId: string, jobId: string | null = null): CheckpointRecord => {
    const checkpoint: CheckpointRecord = {
      id: `ckpt_${ulid()}`,
      agentId,
      jobId,
      timesteps: 0,
      sizeBytes: content.length,
      sha256,
      hasReplay: false,
      createdAt: new Date(),
      labels: {},
    };
    checkpoints.set(checkpoint.id, checkpoint);
    return checkpoint;
  };
  const addJob = (
    agentId: string,
    type: JobRecord['type'],
    seed: number,
    config: Record<string, unknown>,
    labels: JobRecord['labels'],
  ) => {
    const now = new Date();
    const record: JobRecord = {
      id: `job_${ulid()}`,
      type,
      state: 'queued',
      agentId,
      config,
      seed,
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
      labels,
      createdAt: now,
      startedAt: null,
      endedAt: null,
      updatedAt: now,
    };
    jobs.set(record.id, { record, events: [], listeners: new Set() });
    fake.emit(record.id, 'job.state', { state: 'queued' });
    return record;
  };
  const reset = (record: EnvironmentRecord, change: Partial<EnvironmentRecord>) => {
    const next = { ...record, ...change, updatedAt: new Date() };
    environments.set(record.id, next);
    return { seq: next.seq, episodeStep: next.episodeStep, episodeReturn: next.episodeReturn };
  };

  const fake: FakeServices = {
    jobStore: jobs,
    failure: null,
    isReady: true,
    maxEnvironments: 100,
    busyEnvironments: new Set(),
    emit(jobId, type, data = {}) {
      const job = get(jobs, jobId, 'job_not_found');
      const id = type === 'job.progress' ? null : job.events.length + 1;
      const event: JobEvent = { id, type, time: new Date(), data };
      if (id !== null) job.events.push(event);
      for (const listener of [...job.listeners]) listener(event);
    },
    setState(jobId, state) {
      const job = get(jobs, jobId, 'job_not_found');
      job.record = { ...job.record, state, updatedAt: new Date() };
      fake.emit(jobId, 'job.state', { state });
      if (isTerminal(state)) {
        job.record = { ...job.record, endedAt: new Date() };
        fake.emit(jobId, 'job.done', { state });
      }
    },
    forgetEnvironment(id) {
      environments.delete(id);
      gone.add(id);
    },

    server: {
      async info() {
        return {
          version: '0.0.0-test',
          engines: [
            { name: 'reference', available: true, reason: null },
            { name: 'native', available: false, reason: 'No C compiler.' },
          ],
          limits: { environments: fake.maxEnvironments, runningJobs: 1, queuedJobs: 2, bodyBytes: 1 << 20 },
          use: { environments: environments.size, agents: agents.size, runningJobs: 0, queuedJobs: jobs.size },
        };
      },
      ready: () => fake.isReady,
    },

    catalogue: {
      envSpecs: () => SPECS,
      envSpec: (id) => get(new Map(SPECS.map((spec) => [spec.id, spec])), id, 'env_spec_not_found'),
      algorithms: () => [{ name: 'sac', summary: 'Soft Actor-Critic.', hyperparameters: { type: 'object' } }],
      algorithm: (name) =>
        get(
          new Map(fake.catalogue.algorithms().map((algorithm) => [algorithm.name, algorithm])),
          name,
          'algorithm_not_found',
        ),
    },

    environments: {
      async create(request) {
        const spec = fake.catalogue.envSpec(request.specId);
        if ('nonsense' in request.kwargs)
          throw new DomainError('invalid_kwargs', 'There is no keyword argument "nonsense".');
        if (environments.size >= fake.maxEnvironments)
          throw new DomainError('capacity_reached', 'The server is full; delete an environment.');
        const now = new Date();
        const record: EnvironmentRecord = {
          id: `env_${ulid()}`,
          ...request,
          maxEpisodeSteps: request.maxEpisodeSteps ?? spec.maxEpisodeSteps,
          episodeStep: 0,
          episodeReturn: 0,
          seq: 0,
          needsReset: true,
          observationSpace: spec.observationSpace,
          actionSpace: spec.actionSpace,
          createdAt: now,
          updatedAt: now,
          expiresAt: new Date(now.getTime() + request.idleTtlS * 1000),
        };
        environments.set(record.id, record);
        return record;
      },
      list: (query) => pageOf([...environments.values()], query),
      get: environment,
      async delete(id) {
        get(environments, id, 'environment_not_found');
        environments.delete(id);
      },
      async reset(id, { options }) {
        const record = environment(id);
        if ('nonsense' in options) throw new DomainError('invalid_kwargs', 'There is no reset option "nonsense".');
        return {
          observation: [0, 0],
          info: {},
          ...reset(record, { seq: record.seq + 1, episodeStep: 0, episodeReturn: 0, needsReset: false }),
        };
      },
      async step(id, action, seq) {
        const record = environment(id);
        const stored = environments.get(id)?.lastAnswer;
        if (seq !== null && seq === record.seq && stored !== undefined) return stored;
        if (seq !== null && seq !== record.seq + 1)
          throw new DomainError('sequence_mismatch', `seq is ${seq}; send ${record.seq + 1}.`);
        if (record.needsReset)
          throw new DomainError('reset_required', `Environment ${id} finished its episode; call reset before step.`);
        if (!Array.isArray(action) || action.length !== 1 || typeof action[0] !== 'number' || Math.abs(action[0]) > 1) {
          throw new DomainError(
            'action_out_of_space',
            `The action is ${JSON.stringify(action)}; send one number from -1 to 1.`,
          );
        }
        const episodeStep = record.episodeStep + 1;
        const truncated = episodeStep >= record.maxEpisodeSteps;
        // The first number of the observation is what the algorithm would see of a simulation that blew up.
        const answer = {
          observation: ['NaN' as const, action[0]],
          reward: Number.NEGATIVE_INFINITY,
          terminated: false,
          truncated,
          info: { speed: Number.NaN, legs: [1, Number.POSITIVE_INFINITY] },
          ...reset(record, {
            seq: record.seq + 1,
            episodeStep,
            episodeReturn: record.episodeReturn + action[0],
            needsReset: truncated,
          }),
        };
        const next = get(environments, id, 'environment_not_found');
        environments.set(id, { ...next, lastAnswer: answer });
        return answer;
      },
      async sampleAction(id) {
        environment(id);
        return [0.5];
      },
    },

    agents: {
      async create(request: CreateAgent) {
        const now = new Date();
        const id = `agt_${ulid()}`;
        const source =
          request.fromCheckpointId === null ? null : get(checkpoints, request.fromCheckpointId, 'checkpoint_not_found');
        const made =
          request.fromCheckpointId === null
            ? request
            : { algorithm: 'sac', specId: 'Alpha-v0', envKwargs: {}, hyperparameters: {} };
        fake.catalogue.algorithm(made.algorithm);
        const spec = fake.catalogue.envSpec(made.specId);
        if (spec.actionSpace.type === 'Discrete')
          throw new DomainError('unsupported_space', 'sac cannot act in a Discrete space.');
        const agent: AgentRecord = {
          id,
          name: request.name,
          algorithm: made.algorithm,
          specId: made.specId,
          envKwargs: made.envKwargs,
          hyperparameters: made.hyperparameters,
          observationSpace: spec.observationSpace,
          actionSpace: spec.actionSpace,
          seed: request.seed ?? 0,
          labels: request.labels,
          timesteps: source?.timesteps ?? 0,
          checkpointId: addCheckpoint(id).id,
          trainingJobId: null,
          createdAt: now,
          updatedAt: now,
        };
        agents.set(id, agent);
        return agent;
      },
      list: (query) => pageOf([...agents.values()], query),
      get: (id) => get(agents, id, 'agent_not_found'),
      update(id, change) {
        const agent = { ...get(agents, id, 'agent_not_found'), ...change, updatedAt: new Date() };
        agents.set(id, agent);
        return agent;
      },
      async delete(id) {
        requireIdle(get(agents, id, 'agent_not_found'));
        agents.delete(id);
      },
      async act(id, { observation, observations }) {
        const { timesteps } = get(agents, id, 'agent_not_found');
        for (const one of observations ?? [observation]) {
          if (!Array.isArray(one) || one.length !== 2)
            throw new DomainError('observation_out_of_space', 'The observation has another shape than [2].');
        }
        return observations === undefined
          ? { action: [0.5], policyStep: timesteps }
          : { actions: observations.map(() => [0.5]), policyStep: timesteps };
      },
      async restore(id, checkpointId) {
        const agent = get(agents, id, 'agent_not_found');
        requireIdle(agent);
        if (get(checkpoints, checkpointId, 'checkpoint_not_found').agentId !== id) {
          throw new DomainError(
            'checkpoint_incompatible',
            `Checkpoint ${checkpointId} is of an agent with other spaces.`,
          );
        }
        return agent;
      },
    },

    checkpoints: {
      async create(agentId) {
        requireIdle(get(agents, agentId, 'agent_not_found'));
        return addCheckpoint(agentId);
      },
      list(agentId, query) {
        get(agents, agentId, 'agent_not_found');
        return pageOf(
          [...checkpoints.values()].filter((checkpoint) => checkpoint.agentId === agentId),
          query,
        );
      },
      get: (id) => get(checkpoints, id, 'checkpoint_not_found'),
      async content(id) {
        get(checkpoints, id, 'checkpoint_not_found');
        return { path: join(contentFolder, 'content'), sizeBytes: content.length, sha256 };
      },
      async delete(id) {
        get(checkpoints, id, 'checkpoint_not_found');
        const user = [...agents.values()].find(({ checkpointId }) => checkpointId === id);
        if (user !== undefined)
          throw new DomainError('checkpoint_in_use', `Agent ${user.id} stands on checkpoint ${id}.`);
        checkpoints.delete(id);
      },
    },

    jobs: {
      async train(agentId, request) {
        const agent = get(agents, agentId, 'agent_not_found');
        requireIdle(agent);
        requireEngine(request.engine);
        if (jobs.size >= 50) throw new DomainError('capacity_reached', 'The queue is full; wait for a job to end.');
        const job = addJob(
          agentId,
          'train',
          request.seed ?? agent.seed,
          { total_timesteps: request.totalTimesteps },
          request.labels,
        );
        agents.set(agentId, { ...agent, trainingJobId: job.id });
        return job;
      },
      async evaluate(agentId, request) {
        const agent = get(agents, agentId, 'agent_not_found');
        if (request.episodes > 1000)
          throw new DomainError('invalid_hyperparameter', 'episodes is more than this server plays.');
        if (jobs.size >= 50) throw new DomainError('capacity_reached', 'The queue is full; wait for a job to end.');
        return addJob(agentId, 'evaluate', request.seed ?? agent.seed, { episodes: request.episodes }, request.labels);
      },
      list(query) {
        const { state, type, agentId } = query;
        const records = [...jobs.values()].map(({ record }) => record);
        return pageOf(
          records.filter(
            (job) =>
              (state ?? job.state) === job.state &&
              (type ?? job.type) === job.type &&
              (agentId ?? job.agentId) === job.agentId,
          ),
          query,
        );
      },
      get: (id) => get(jobs, id, 'job_not_found').record,
      async wait(id, seconds, signal) {
        const job = get(jobs, id, 'job_not_found');
        if (!isTerminal(job.record.state)) {
          await new Promise<void>((resolve) => {
            const done = () => {
              clearTimeout(timer);
              resolve();
            };
            const timer = setTimeout(done, seconds * 1000);
            signal.addEventListener('abort', done, { once: true });
            job.listeners.add((event) => event.type === 'job.done' && done());
          });
        }
        return get(jobs, id, 'job_not_found').record;
      },
      cancel(id) {
        const { record } = get(jobs, id, 'job_not_found');
        if (isTerminal(record.state))
          throw new DomainError('invalid_state_transition', `Job ${id} is ${record.state} and cannot be cancelled.`);
        fake.setState(id, record.state === 'queued' ? 'cancelled' : 'cancelling');
        return get(jobs, id, 'job_not_found').record;
      },
      delete(id) {
        const { record } = get(jobs, id, 'job_not_found');
        if (!isTerminal(record.state))
          throw new DomainError('invalid_state_transition', `Job ${id} is ${record.state}; cancel it first.`);
        jobs.delete(id);
      },
      events: (id, { after, limit }) =>
        get(jobs, id, 'job_not_found')
          .events.filter((event) => (event.id ?? 0) > after)
          .slice(0, limit),
      subscribe(id, { after }, listener) {
        const job = get(jobs, id, 'job_not_found');
        for (const event of job.events) if ((event.id ?? 0) > after) listener(event);
        job.listeners.add(listener);
        return () => job.listeners.delete(listener);
      },
      metrics(id, { keys, fromStep }) {
        get(jobs, id, 'job_not_found');
        const series = [
          {
            key: 'episode/return',
            points: [
              [1, 0.5],
              [2, Number.NaN],
            ] as const,
          },
          {
            key: 'loss/critic',
            points: [
              [1, 3],
              [2, 2],
            ] as const,
          },
        ];
        return series
          .filter(({ key }) => keys === null || keys.includes(key))
          .map(({ key, points }) => ({ key, points: points.filter(([step]) => step >= fromStep) }));
      },
    },
  };
  return withFailure(fake);
}

/** `services` whose every call throws `failure` while it is set. */
function withFailure(fake: FakeServices): FakeServices {
  for (const name of ['server', 'catalogue', 'environments', 'agents', 'checkpoints', 'jobs'] as const) {
    const service = fake[name] as unknown as Record<string, (...given: unknown[]) => unknown>;
    for (const [method, call] of Object.entries(service)) {
      service[method] = (...given) => {
        if (fake.failure !== null) throw fake.failure;
        return call.apply(service, given);
      };
    }
  }
  return fake;
}

function pageOf<T extends { readonly id: string }>(all: readonly T[], { pageSize, pageToken }: PageQuery): Page<T> {
  const rest = all.toReversed().filter(({ id }) => pageToken === null || id < pageToken);
  const data = rest.slice(0, pageSize);
  return { data, nextPageToken: rest.length > pageSize ? (data.at(-1)?.id ?? null) : null };
}

function requireIdle(agent: AgentRecord): void {
  if (agent.trainingJobId !== null)
    throw new DomainError('agent_training', `Job ${agent.trainingJobId} trains agent ${agent.id}; cancel it first.`);
}

function requireEngine(name: string | null): void {
  if (name !== null && name !== 'auto') throw new DomainError('engine_not_available', `There is no engine "${name}".`);
}

function isTerminal(state: JobState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}
