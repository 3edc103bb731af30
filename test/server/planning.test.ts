// A planning job whose server is killed: it ends with the very bytes and metrics of one that nothing disturbed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { ApiClient } from '../../scripts/api-client.ts';
import { startServer } from '../../scripts/server-process.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { freshSeed } from '../compute/support.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly error: unknown;
  readonly result: unknown;
  readonly progress: { readonly timesteps: number };
}

/** One sweep an iteration makes it hundreds of short iterations. */
const AGENT = {
  algorithm: 'soft_policy_iteration',
  spec_id: 'FrozenLake-v1',
  env_kwargs: { desc: { size: 24, p: 0.9, seed: 2 } },
  hyperparameters: { max_evaluation_sweeps: 1, discount: 0.98, temperature: 0.01 },
};
const TRAINING = {
  total_timesteps: 100_000,
  evaluation: { every_timesteps: 100, episodes: 2 },
  checkpoint: { every_timesteps: 70, keep_last: 2 },
};

async function start(t: TestContext, dataDir: string) {
  const server = await startServer({ dataDir });
  t.after(() => server.stop());
  return { server, api: new ApiClient(server.url) };
}

async function launch(api: ApiClient): Promise<{ agentId: string; jobId: string }> {
  const { id: agentId } = await api.post<{ id: string }>('/v1/agents', AGENT);
  const { id: jobId } = await api.post<Job>(`/v1/agents/${agentId}/train`, TRAINING);
  return { agentId, jobId };
}

/** Once the job has ended. */
async function outcome(api: ApiClient, { agentId, jobId }: { agentId: string; jobId: string }) {
  let job: Job;
  do job = await api.get<Job>(`/v1/jobs/${jobId}?wait=30`);
  while (['queued', 'running'].includes(job.state));
  assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
  const { checkpoint_id } = await api.get<{ checkpoint_id: string }>(`/v1/agents/${agentId}`);
  const { sha256 } = await api.get<{ sha256: string }>(`/v1/checkpoints/${checkpoint_id}`);
  const { data } = await api.get<{ data: unknown }>(`/v1/jobs/${jobId}/metrics?max_points=10000`);
  return { timesteps: job.progress.timesteps, result: job.result, sha256, metrics: data };
}

test('killed at any instant, a planning job ends as if nothing had been', async (t) => {
  const straight = await start(t, temporaryFolder());
  const expected = await outcome(straight.api, await launch(straight.api));
  t.diagnostic(`${expected.timesteps} iterations`);
  assert.deepEqual(expected.result, { outcome: 'converged' });

  const rng = Pcg64.fromSeed(freshSeed(t));
  const dataDir = temporaryFolder();
  let { server, api } = await start(t, dataDir);
  const disturbed = await launch(api);
  let kills = 0;
  for (const third of [0, 1, 2]) {
    const from = (expected.timesteps * (third + rng.random())) / 3;
    let job: Job;
    do job = await api.get<Job>(`/v1/jobs/${disturbed.jobId}`);
    while (job.progress.timesteps < from && job.state !== 'succeeded');
    if (job.state === 'running') kills += 1;
    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
    ({ server, api } = await start(t, dataDir));
  }
  assert.ok(kills > 0, 'the job ended before it could be killed');
  assert.deepEqual(await outcome(api, disturbed), expected);
});
