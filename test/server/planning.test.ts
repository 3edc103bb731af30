// A planning job whose server is killed: it ends with the very bytes and metrics of one that nothing disturbed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiClient } from '../../scripts/api-client.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { freshSeed } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ended, type Job, killedAtAnyInstant, metricsOf, start, undisturbed } from '../support/training-servers.ts';

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

async function launch(api: ApiClient): Promise<{ agentId: string; jobId: string }> {
  const { id: agentId } = await api.post<{ id: string }>('/v1/agents', AGENT);
  const { id: jobId } = await api.post<Job>(`/v1/agents/${agentId}/train`, TRAINING);
  return { agentId, jobId };
}

async function outcome(api: ApiClient, { agentId, jobId }: { agentId: string; jobId: string }) {
  const { state, error, progress, result } = await ended(api, jobId);
  assert.equal(state, 'succeeded', JSON.stringify(error));
  const { checkpoint_id } = await api.get<{ checkpoint_id: string }>(`/v1/agents/${agentId}`);
  const { sha256 } = await api.get<{ sha256: string }>(`/v1/checkpoints/${checkpoint_id}`);
  return { timesteps: progress.timesteps, result, sha256, metrics: await metricsOf(api, jobId) };
}

test('killed at any instant, a planning job ends as if nothing had been', async (t) => {
  const straight = await start(t, temporaryFolder());
  const launched = await launch(straight.api);
  const { tookMs } = await undisturbed(straight.api, launched.jobId);
  const expected = await outcome(straight.api, launched);
  t.diagnostic(`${expected.timesteps} iterations`);
  assert.deepEqual(expected.result, { outcome: 'converged' });

  const rng = Pcg64.fromSeed(freshSeed(t));
  const { api, ids } = await killedAtAnyInstant(t, launch, { tookMs, rng });
  assert.deepEqual(await outcome(api, ids), expected);
});
