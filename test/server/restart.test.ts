// A server that is told to stop, and a job that is: what they learnt is kept, and goes on.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ApiClient } from '../../scripts/api-client.ts';
import { type ServerProcess, startServer } from '../../scripts/server-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly progress: { readonly timesteps: number; readonly updates: number; readonly episodes: number };
}

const AGENT = {
  algorithm: 'sac',
  spec_id: 'HalfCheetah-v5',
  seed: 11,
  hyperparameters: { hidden_sizes: [32, 32], batch_size: 32, learning_starts: 300 },
};
const TRAINING = {
  total_timesteps: 4000,
  evaluation: { every_timesteps: 2000, episodes: 1 },
  checkpoint: { every_timesteps: 500, keep_last: 2 },
};

async function start(t: TestContext, dataDir: string): Promise<{ server: ServerProcess; api: ApiClient }> {
  const server = await startServer({ dataDir });
  t.after(() => server.stop());
  return { server, api: new ApiClient(server.url) };
}

async function ended(api: ApiClient, id: string): Promise<Job> {
  for (;;) {
    const job = await api.get<Job>(`/v1/jobs/${id}?wait=30`);
    if (['succeeded', 'failed', 'cancelled'].includes(job.state)) return job;
  }
}

async function train(api: ApiClient): Promise<{ agentId: string; jobId: string }> {
  const agent = await api.post<{ id: string }>('/v1/agents', AGENT);
  const job = await api.post<Job>(`/v1/agents/${agent.id}/train`, TRAINING);
  return { agentId: agent.id, jobId: job.id };
}

test('a server that is told to stop lets its job write a checkpoint, and the next one finishes it', async (t) => {
  const dataDir = temporaryFolder();
  const first = await start(t, dataDir);
  const { agentId, jobId } = await train(first.api);
  let job: Job;
  do job = await first.api.get<Job>(`/v1/jobs/${jobId}`);
  while (job.progress.timesteps < 600);
  assert.equal(await first.server.stop(), 0);
  const second = await start(t, dataDir);
  assert.equal((await ended(second.api, jobId)).state, 'succeeded');
  const { timesteps } = await second.api.get<{ timesteps: number }>(`/v1/agents/${agentId}`);
  assert.equal(timesteps, TRAINING.total_timesteps);
});

test('a cancelled job keeps what it learnt, and its agent can go on', async (t) => {
  const { api } = await start(t, temporaryFolder());
  const { agentId, jobId } = await train(api);
  let job: Job;
  do job = await api.get<Job>(`/v1/jobs/${jobId}`);
  while (job.progress.timesteps < 600);
  await assert.rejects(api.post(`/v1/agents/${agentId}/train`, TRAINING), /in use by job/);
  await api.post(`/v1/jobs/${jobId}/cancel`);
  assert.equal((await ended(api, jobId)).state, 'cancelled');
  const { timesteps } = await api.get<{ timesteps: number }>(`/v1/agents/${agentId}`);
  assert.ok(timesteps >= 600, `the agent stands at ${timesteps}`);
  const more = await api.post<Job>(`/v1/agents/${agentId}/train`, { total_timesteps: 100 });
  assert.equal((await ended(api, more.id)).state, 'succeeded');
  const agent = await api.get<{ timesteps: number }>(`/v1/agents/${agentId}`);
  assert.equal(agent.timesteps, timesteps + 100);
});
