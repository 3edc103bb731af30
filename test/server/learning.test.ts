// One real training run over HTTP, as a user would ask for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiClient } from '../../scripts/api-client.ts';
import { startServer } from '../../scripts/server-process.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly message: string } | null;
}

/** 20 episodes: with the spread of a trained Pendulum, the mean is known to about 20. */
const EPISODES = 20;

test('SAC reaches a mean return above −250 on Pendulum within 8,000 steps', { timeout: 120_000 }, async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const api = new ApiClient(server.url);
  const seed = 7;
  const agent = await api.post<{ id: string }>('/v1/agents', {
    algorithm: 'sac',
    spec_id: 'Pendulum-v1',
    seed,
    // Small networks are enough for Pendulum, and keep the test short on a slow machine.
    hyperparameters: { learning_rate: 1e-3, hidden_sizes: [64, 64] },
  });
  const job = await api.post<Job>(`/v1/agents/${agent.id}/train`, {
    total_timesteps: 8000,
    evaluation: { every_timesteps: 2000, episodes: EPISODES },
  });
  for (let now = job; now.state !== 'succeeded'; now = await api.get<Job>(`/v1/jobs/${job.id}?wait=30`)) {
    assert.ok(['queued', 'running'].includes(now.state), now.error?.message);
  }
  const { data } = await api.get<{ data: { points: [number, number][] }[] }>(
    `/v1/jobs/${job.id}/metrics?keys=eval/return_mean`,
  );
  const curve = data[0]?.points ?? [];
  t.diagnostic(`seed ${seed}: ${curve.map(([step, value]) => `${value.toFixed(0)} at ${step}`).join(', ')}`);
  assert.deepEqual(
    curve.map(([step]) => step),
    [0, 2000, 4000, 6000, 8000],
  );
  const [[, untrained]] = curve as [[number, number]];
  // At this learning rate a policy dips now and then, so the best of the evaluations counts.
  const best = Math.max(...curve.map(([, value]) => value));
  assert.ok(untrained < -800, `an untrained policy reached ${untrained}`);
  assert.ok(best > -250, `the best policy reached ${best}`);
});
