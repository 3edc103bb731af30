// Pausing over the real path: what is paused and resumed, in the middle of evaluations too, under either isolation and over
// restarts, ends byte for byte as if nothing had been.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ApiClient, Json } from '../../scripts/api-client.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { freshSeed } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ended, type Job, kill, metricsOf, newestCheckpoint, SMALL_AGENT, start } from '../support/training-servers.ts';

/** Most of the time goes into evaluations, so that most pauses fall into one. */
const TRAINING = {
  total_timesteps: 3000,
  evaluation: { every_timesteps: 250, episodes: 40 },
  checkpoint: { every_timesteps: 130, keep_last: 1, keep_best: true },
};

const EVALUATIONS = TRAINING.total_timesteps / TRAINING.evaluation.every_timesteps;

async function launch(api: ApiClient, training: Json = TRAINING): Promise<{ agentId: string; jobId: string }> {
  const { id: agentId } = await api.post<Job>('/v1/agents', SMALL_AGENT);
  const { id: jobId } = await api.post<Job>(`/v1/agents/${agentId}/train`, training);
  return { agentId, jobId };
}

async function until(api: ApiClient, id: string, holds: (job: Job) => boolean): Promise<Job> {
  for (;;) {
    const job = await api.get<Job>(`/v1/jobs/${id}`);
    if (holds(job) || ['succeeded', 'failed', 'cancelled'].includes(job.state)) return job;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function undisturbed(t: TestContext) {
  const dataDir = temporaryFolder();
  const { server, api } = await start(t, dataDir);
  const { agentId, jobId } = await launch(api);
  await until(api, jobId, ({ progress }) => progress.timesteps > 0);
  const from = performance.now();
  const { state, error } = await ended(api, jobId);
  const tookMs = performance.now() - from;
  assert.equal(state, 'succeeded', JSON.stringify(error));
  const metrics = await metricsOf(api, jobId);
  await server.stop();
  return { tookMs, metrics, checkpoint: await newestCheckpoint(dataDir, agentId) };
}

test('a job that is paused again and again ends as if nothing had been', async (t) => {
  const straight = await undisturbed(t);
  const rng = Pcg64.fromSeed(freshSeed(t));
  const dataDir = temporaryFolder();
  let { server, api } = await start(t, dataDir);
  const { agentId, jobId } = await launch(api);
  let [pauses, inEvaluations] = [0, 0];
  // Between two evaluations and in the one after them; four times, and more often where none has fallen into an evaluation.
  for (let part = 0; part < 10 && (part < 4 || inEvaluations === 0); part++) {
    await until(api, jobId, ({ progress }) => progress.timesteps >= TRAINING.evaluation.every_timesteps * part);
    await new Promise((resolve) => setTimeout(resolve, (rng.random() * straight.tookMs) / EVALUATIONS));
    assert.match((await api.post<Job>(`/v1/jobs/${jobId}/pause`)).state, /^(?:pausing|paused)$/);
    const paused = await until(api, jobId, ({ state }) => state === 'paused');
    assert.equal(paused.state, 'paused', JSON.stringify(paused.error));
    const { timesteps } = await api.get<{ timesteps: number }>(`/v1/agents/${agentId}`);
    pauses++;
    if (timesteps % TRAINING.evaluation.every_timesteps === 0) inEvaluations++;
    // It outlasts the server, however that ends, and the next one may host jobs elsewhere.
    if (part === 1) await kill(server);
    if (part === 2) await server.stop();
    if (part === 1 || part === 2) {
      ({ server, api } = await start(t, dataDir, ['--job-isolation', part === 1 ? 'process' : 'thread']));
      assert.equal((await api.get<Job>(`/v1/jobs/${jobId}`)).state, 'paused');
    }
    await api.post(`/v1/jobs/${jobId}/resume`);
  }
  const job = await ended(api, jobId);
  assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
  t.diagnostic(`${inEvaluations} of ${pauses} pauses fell into an evaluation`);
  assert.ok(inEvaluations > 0, 'none fell into an evaluation');
  assert.deepEqual(await metricsOf(api, jobId), straight.metrics);
  await server.stop();
  const { model, experience, segments, timesteps } = await newestCheckpoint(dataDir, agentId);
  assert.deepEqual({ model, experience, segments, timesteps }, straight.checkpoint);
});

test('a job that was about to pause when the server was killed is paused after the restart', async (t) => {
  const dataDir = temporaryFolder();
  let { server, api } = await start(t, dataDir);
  const { jobId } = await launch(api, { total_timesteps: 100_000 });
  await until(api, jobId, ({ progress }) => progress.timesteps > 300);
  await api.post(`/v1/jobs/${jobId}/pause`);
  await kill(server);
  ({ server, api } = await start(t, dataDir));
  assert.equal((await api.get<Job>(`/v1/jobs/${jobId}`)).state, 'paused');
  await api.post(`/v1/jobs/${jobId}/cancel`);
  assert.equal((await api.get<Job>(`/v1/jobs/${jobId}`)).state, 'cancelled');
});
