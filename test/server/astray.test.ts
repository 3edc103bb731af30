// Jobs whose numbers go astray: they fail by name, and say what is left to go on from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiClient } from '../../scripts/api-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ended, type Job, SMALL_AGENT, start } from '../support/training-servers.ts';

/** An entropy that no policy on [−1, 1] has: the temperature grows by e with each update, from the first on, at timestep 300. */
const DIVERGING = { learning_starts: 300, target_entropy: 1e6, temperature_learning_rate: 1 };

async function agentWith(api: ApiClient, hyperparameters: object): Promise<string> {
  const agent = { ...SMALL_AGENT, hyperparameters: { ...SMALL_AGENT.hyperparameters, ...hyperparameters } };
  return (await api.post<{ id: string }>('/v1/agents', agent)).id;
}

/** Of a job that checkpoints at every multiple of `every` timesteps, or never. */
async function failureOf(api: ApiClient, agentId: string, every: number | null) {
  const { id } = await api.post<Job>(`/v1/agents/${agentId}/train`, {
    total_timesteps: 1000,
    ...(every !== null && { checkpoint: { every_timesteps: every } }),
  });
  const { state, error } = await ended(api, id);
  assert.equal(state, 'failed');
  const { checkpoint_id: checkpointId } = await api.get<{ checkpoint_id: string }>(`/v1/agents/${agentId}`);
  const { timesteps } = await api.get<{ timesteps: number }>(`/v1/checkpoints/${checkpointId}`);
  return { error: error as NonNullable<typeof error>, checkpointId, timesteps };
}

test('a job that diverges names tensor, update, timestep and last good checkpoint, and its agent trains on from there', async (t) => {
  const { api } = await start(t, temporaryFolder());
  const agentId = await agentWith(api, DIVERGING);
  const { error, checkpointId, timesteps } = await failureOf(api, agentId, 110);
  assert.equal(error.code, 'diverged');
  assert.equal(timesteps, 220);
  const place = `at 3\\d\\d timesteps; the last good checkpoint is ${checkpointId} at 220 timesteps`;
  assert.match(error.message, new RegExp(`"alpha" reached .* in update \\d+, beyond 1000000: .*${place}`));

  // Nothing of what went astray is in it: the same comes of it again.
  const { id: fork } = await api.post<{ id: string }>('/v1/agents', { from_checkpoint_id: checkpointId });
  const { id } = await api.post<Job>(`/v1/agents/${fork}/train`, { total_timesteps: 50 });
  assert.equal((await ended(api, id)).state, 'succeeded');
  assert.equal((await failureOf(api, fork, null)).error.code, 'diverged');
});

test('one that has no checkpoint of its own names the one that it began at', async (t) => {
  const { api } = await start(t, temporaryFolder());
  const agentId = await agentWith(api, { learning_rate: 1, reward_scale: 1e6, learning_starts: 0 });
  const { error, checkpointId, timesteps } = await failureOf(api, agentId, null);
  assert.match(error.code, /^(?:non_finite|diverged)$/);
  assert.equal(timesteps, 0);
  assert.ok(error.message.includes(`the last good checkpoint is ${checkpointId} at 0 timesteps`), error.message);
});
