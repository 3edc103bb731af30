// Learning from transitions over the real path of a job: killed, paused or left alone, what comes out is the same, byte for byte, and
// every transition that was acknowledged is in it once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient, Json } from '../../scripts/api-client.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { freshSeed } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  begun,
  ended,
  type Job,
  kill,
  killedAtAnyInstant,
  metricsOf,
  newestCheckpoint,
  start,
  undisturbed,
} from '../support/training-servers.ts';

const BOX = { type: 'Box', dtype: 'float32', shape: [2], low: '-Infinity', high: 'Infinity' };
const AGENT = {
  algorithm: 'sac',
  seed: 3,
  observation_space: BOX,
  action_space: { ...BOX, shape: [1], low: -1, high: 1 },
  hyperparameters: {
    hidden_sizes: [32, 32],
    batch_size: 32,
    replay_capacity: 500,
    observation_normalization: true,
  },
};
const ROWS = 150;
const STEPS = 4000;

/** The batch number `index` of a world that is drawn, always the same. */
function batch(index: number): Json {
  const rng = Pcg64.fromSeed(1000 + index);
  const row = () => [rng.random(), rng.random()];
  const rows = <T>(make: (i: number) => T) => Array.from({ length: ROWS }, (_, i) => make(i));
  return {
    observations: rows(row),
    actions: rows(() => [2 * rng.random() - 1]),
    rewards: rows(() => rng.random()),
    next_observations: rows(row),
    terminations: rows((i) => i % 40 === 39),
    truncations: rows((i) => i % 50 === 49),
  };
}

interface Counts {
  readonly pending: number;
  readonly total: number;
}

const send = (api: ApiClient, agentId: string, index: number) =>
  api.post<Counts>(`/v1/agents/${agentId}/transitions`, batch(index), { 'idempotency-key': `${agentId}-${index}` });

const learn = async (api: ApiClient, agentId: string) =>
  (
    await api.post<Job>(`/v1/agents/${agentId}/learn`, {
      gradient_steps: STEPS,
      checkpoint: { every_gradient_steps: 330, keep_last: 1 },
    })
  ).id;

test('a learn job that is killed and paused ends as if nothing had been, and so do the jobs after it', async (t) => {
  const straightDir = temporaryFolder();
  const straight = await start(t, straightDir);
  const { id: calm } = await straight.api.post<{ id: string }>('/v1/agents', AGENT);
  const jobs: string[] = [];
  const took: number[] = [];
  for (const [first, second] of [
    [0, 1],
    [2, 3],
  ] as const) {
    await send(straight.api, calm, first);
    await send(straight.api, calm, second);
    const id = await learn(straight.api, calm);
    const { job, tookMs } = await undisturbed(straight.api, id);
    assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
    jobs.push(id);
    took.push(tookMs);
  }
  const metrics = await Promise.all(jobs.map((id) => metricsOf(straight.api, id)));
  await straight.server.stop();

  const rng = Pcg64.fromSeed(freshSeed(t));
  const launch = async (other: ApiClient) => {
    const { id } = await other.post<{ id: string }>('/v1/agents', AGENT);
    assert.deepEqual(await send(other, id, 0), { object: 'transitions', accepted: ROWS, pending: ROWS, total: ROWS });
    assert.equal((await send(other, id, 1)).pending, 2 * ROWS);
    const jobId = await learn(other, id);
    // Wait for the next job, whatever happens to this one.
    await send(other, id, 2);
    return { agentId: id, jobId };
  };
  const killed = await killedAtAnyInstant(t, launch, { tookMs: took[0] as number, rng });
  const { dataDir, ids } = killed;
  const { agentId, jobId: first } = ids;
  let { server, api } = killed;
  const restart = async () => {
    await kill(server);
    ({ server, api } = await start(t, dataDir));
  };
  const done = await ended(api, first);
  assert.equal(done.state, 'succeeded', JSON.stringify(done.error));
  assert.equal(done.progress.timesteps, 2 * ROWS);
  assert.equal((await send(api, agentId, 3)).pending, 2 * ROWS);
  // Acknowledged, so a crash keeps it, and knows it again.
  await restart();
  assert.deepEqual(await send(api, agentId, 3), {
    object: 'transitions',
    accepted: ROWS,
    pending: 2 * ROWS,
    total: 4 * ROWS,
  });

  const second = await learn(api, agentId);
  await begun(api, second);
  await sleep((rng.random() * (took[1] as number)) / 4);
  await api.post(`/v1/jobs/${second}/pause`);
  for (let state = ''; state !== 'paused'; ) {
    ({ state } = await api.get<Job>(`/v1/jobs/${second}`));
    assert.match(state, /^(?:pausing|paused)$/);
  }
  await restart();
  assert.equal((await api.get<Job>(`/v1/jobs/${second}`)).state, 'paused');
  await api.post(`/v1/jobs/${second}/resume`);
  assert.equal((await ended(api, second)).state, 'succeeded');

  assert.deepEqual(await Promise.all([first, second].map((id) => metricsOf(api, id))), metrics);
  const agent = await api.get<{ timesteps: number }>(`/v1/agents/${agentId}`);
  assert.equal(agent.timesteps, 4 * ROWS);
  await server.stop();
  assert.deepEqual(await newestCheckpoint(dataDir, agentId), await newestCheckpoint(straightDir, calm));
});

test('an agent that trains in an environment learns from transitions in between, and its training goes on where it was', async (t) => {
  const { api } = await start(t, temporaryFolder());
  const { id } = await api.post<{ id: string }>('/v1/agents', {
    algorithm: 'sac',
    spec_id: 'Pendulum-v1',
    hyperparameters: { hidden_sizes: [16], batch_size: 16, learning_starts: 50 },
  });
  const train = async () => {
    const { id: job } = await api.post<Job>(`/v1/agents/${id}/train`, { total_timesteps: 150, num_envs: 1 });
    assert.equal((await ended(api, job)).state, 'succeeded');
    const { data } = await api.get<{ data: { data: { length: number } }[] }>(`/v1/jobs/${job}/events?page_size=200`);
    return data.flatMap((event) => ('length' in event.data ? [event.data.length] : []));
  };
  assert.deepEqual(await train(), []);
  await api.post(`/v1/agents/${id}/transitions`, {
    observations: [[1, 0, 0]],
    actions: [[2]],
    rewards: [-1],
    next_observations: [[1, 0.1, 0]],
    terminations: [false],
  });
  const { id: job } = await api.post<Job>(`/v1/agents/${id}/learn`, { gradient_steps: 20 });
  assert.equal((await ended(api, job)).state, 'succeeded');
  // Pendulum's episodes have 200 steps; the first was 150 old.
  assert.deepEqual(await train(), [200]);
  assert.equal((await api.get<{ timesteps: number }>(`/v1/agents/${id}`)).timesteps, 301);
});
