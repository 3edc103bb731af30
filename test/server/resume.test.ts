// Exact resume over the real path of a job: a process that is killed at any instant, and a new one that goes on. What comes out
// is, byte for byte, what a run that nothing disturbed leaves: model, replay, streams, environments, and every metric.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ApiClient, Json } from '../../scripts/api-client.ts';
import { KEEPS_TABLES } from '../../src/compute/engine.ts';
import { Engines } from '../../src/compute/engines.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { ENGINE_SETTINGS, TRAINING_ENGINES } from '../support/engine-settings.ts';
import { freshSeed } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  ended,
  type Job,
  kill,
  killedAtAnyInstant,
  metricsOf,
  newestCheckpoint,
  SMALL_AGENT,
  start,
  undisturbed,
} from '../support/training-servers.ts';

interface Case {
  readonly what: string;
  readonly agent: Json & { readonly hyperparameters?: Json };
  /** Beside the plan that all cases have. */
  readonly training?: Json;
}

const TRAINING = {
  total_timesteps: 2400,
  evaluation: { every_timesteps: 600, episodes: 1 },
  // Not a divisor of what metrics are averaged over. One kept: each next checkpoint deletes the one that its segments are from.
  checkpoint: { every_timesteps: 130, keep_last: 1, keep_best: false },
};

const CASES: readonly Case[] = [
  { what: 'SAC', agent: {} },
  {
    what: 'HalfCheetah',
    agent: { spec_id: 'HalfCheetah-v5', hyperparameters: { train_frequency: 2, gradient_steps: 2 } },
    training: { total_timesteps: 1600 },
  },
  {
    what: 'SAC of 2018 in four environments, with 3-step returns, normalisation and correlated noise',
    agent: {
      hyperparameters: {
        variant: 'v1',
        n_steps: 3,
        observation_normalization: true,
        reward_normalization: 'automatic',
        exploration_noise: 'ornstein_uhlenbeck',
      },
    },
    training: { num_envs: 4 },
  },
];

/** With engines that keep tables: what a job puts there is made anew of what the checkpoint has. */
const ON_DEVICE: readonly Case[] = [
  {
    what: 'HalfCheetah with its replay on the device, eight updates in a call, the ring full after a quarter',
    agent: {
      spec_id: 'HalfCheetah-v5',
      hyperparameters: { train_frequency: 8, gradient_steps: 8, replay_capacity: 400 },
    },
    training: { total_timesteps: 1600, replay_placement: 'device' },
  },
  {
    what: 'SAC of 2018 in four environments with its replay on the device, 3-step returns and normalisation',
    agent: { hyperparameters: { variant: 'v1', n_steps: 3, observation_normalization: true, gradient_steps: -1 } },
    training: { num_envs: 4, replay_placement: 'device' },
  },
];

const ENGINES = (await new Engines(ENGINE_SETTINGS).list()).filter(
  ({ name, available }) => available && TRAINING_ENGINES.includes(name),
);

async function launch(
  api: ApiClient,
  { agent, training }: Omit<Case, 'what'>,
  engine = 'auto',
): Promise<{ agentId: string; jobId: string }> {
  const hyperparameters = { ...SMALL_AGENT.hyperparameters, ...agent.hyperparameters };
  const { id: agentId } = await api.post<{ id: string }>('/v1/agents', { ...SMALL_AGENT, ...agent, hyperparameters });
  const { id: jobId } = await api.post<Job>(`/v1/agents/${agentId}/train`, { ...TRAINING, engine, ...training });
  return { agentId, jobId };
}

for (const { name: engine } of ENGINES) {
  for (const { what, agent, training = {} } of KEEPS_TABLES.has(engine) ? [...CASES, ...ON_DEVICE] : CASES) {
    test(`${what} on ${engine}: killed at any instant, it ends as if nothing had been`, async (t) => {
      const straightDir = temporaryFolder();
      const straight = await start(t, straightDir);
      const launched = await launch(straight.api, { agent, training }, engine);
      const { job, tookMs } = await undisturbed(straight.api, launched.jobId);
      assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
      const metrics = await metricsOf(straight.api, launched.jobId);
      await straight.server.stop();

      const rng = Pcg64.fromSeed(freshSeed(t));
      const again = (other: ApiClient) => launch(other, { agent, training }, engine);
      const { dataDir, server, api, ids } = await killedAtAnyInstant(t, again, { tookMs, rng });
      const resumed = await ended(api, ids.jobId);
      assert.equal(resumed.state, 'succeeded', JSON.stringify(resumed.error));
      assert.deepEqual(await metricsOf(api, ids.jobId), metrics);
      const { data: events } = await api.get<{ data: { id: number; type: string }[] }>(
        `/v1/jobs/${ids.jobId}/events?page_size=200`,
      );
      assert.equal(new Set(events.map(({ id }) => id)).size, events.length, 'no event id is used twice');
      await server.stop();
      assert.deepEqual(
        await newestCheckpoint(dataDir, ids.agentId),
        await newestCheckpoint(straightDir, launched.agentId),
      );
    });
  }
}

/** A job that has written a few checkpoints and was killed before its end. */
async function interrupted(t: TestContext, training: Json = {}) {
  const dataDir = temporaryFolder();
  const { server, api } = await start(t, dataDir);
  const ids = await launch(api, { agent: {}, training: { total_timesteps: 1_000_000, ...training } });
  let job: Job;
  do job = await api.get<Job>(`/v1/jobs/${ids.jobId}`);
  while (job.progress.timesteps < 500 && job.state !== 'failed');
  await kill(server);
  return { dataDir, ...ids };
}

async function logsOf(api: ApiClient, jobId: string): Promise<string> {
  const { data } = await api.get<{ data: { type: string; data: { message?: string } }[] }>(
    `/v1/jobs/${jobId}/events?page_size=200`,
  );
  return data.flatMap((event) => (event.type === 'job.log' ? [event.data.message] : [])).join('\n');
}

test('a segment that is gone sends the job back to where it began, where no checkpoint between is whole', async (t) => {
  const { dataDir, agentId, jobId } = await interrupted(t);
  const { segments } = await newestCheckpoint(dataDir, agentId);
  const segment = segments.find(({ name }) => name === 'learner/replay/rows/1');
  assert.ok(segment);
  rmSync(join(dataDir, 'blobs', segment.sha256));
  const { api } = await start(t, dataDir);
  for (let logs = ''; !/segment learner\/replay\/rows\/1\) is missing/.test(logs); logs = await logsOf(api, jobId)) {
    const { state, error } = await api.get<Job>(`/v1/jobs/${jobId}`);
    assert.ok(['queued', 'running'].includes(state), JSON.stringify(error));
  }
  assert.match(await logsOf(api, jobId), /is damaged, so the job goes on from checkpoint ckpt_\w+ at 0 timesteps/);
  let job: Job;
  do job = await api.get<Job>(`/v1/jobs/${jobId}`);
  while (job.progress.timesteps < 200 && job.error === null);
  assert.equal(job.error, null);
  const { data } = await api.get<{ data: { damage: string | null }[] }>(`/v1/agents/${agentId}/checkpoints`);
  assert.ok(data.every(({ damage }) => damage === null || /is missing/.test(damage)));
  await api.post(`/v1/jobs/${jobId}/cancel`);
});

test('a job does not resume on an engine that compiles something else; a new one goes on from there and says so', async (t) => {
  const { dataDir, agentId, jobId } = await interrupted(t);
  await newestCheckpoint(dataDir, agentId, 'native/elsewhere');
  const { api } = await start(t, dataDir);
  const { state, error } = await ended(api, jobId);
  assert.equal(state, 'failed');
  assert.equal(error?.code, 'engine_mismatch');
  assert.match(error?.message ?? '', /trained on native\/elsewhere.*Train the agent again.*allow_inexact_resume/);
  const next = await api.post<Job>(`/v1/agents/${agentId}/train`, { total_timesteps: 100 });
  assert.equal((await ended(api, next.id)).state, 'succeeded');
  assert.match(await logsOf(api, next.id), /trained on native\/elsewhere; from here on it is/);
});

test('a job that allows it resumes on another engine, and says that it is not the same run', async (t) => {
  const { dataDir, agentId, jobId } = await interrupted(t, { allow_inexact_resume: true });
  await newestCheckpoint(dataDir, agentId, 'native/elsewhere');
  const { api } = await start(t, dataDir);
  for (let logs = ''; !/trained on native\/elsewhere; from here on it is/.test(logs); logs = await logsOf(api, jobId)) {
    const { state, error } = await api.get<Job>(`/v1/jobs/${jobId}`);
    assert.ok(['queued', 'running'].includes(state), JSON.stringify(error));
  }
  await api.post(`/v1/jobs/${jobId}/cancel`);
  assert.equal((await ended(api, jobId)).state, 'cancelled');
});
