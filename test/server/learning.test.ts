// One real training run over HTTP, as a user would ask for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiClient } from '../../scripts/api-client.ts';
import { startServer } from '../../scripts/server-process.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly message: string } | null;
  readonly result: { readonly return_mean: number; readonly returns: readonly number[] } | null;
}

/** 20 episodes: with the spread of a trained Pendulum, the mean is known to about 20. */
const EPISODES = 20;

test('SAC learns Pendulum to a mean return above −250 within 8,000 steps', { timeout: 120_000 }, async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const api = new ApiClient(server.url);
  const seed = 7;
  t.diagnostic(`seed ${seed}`);
  const agent = await api.post<{ id: string }>('/v1/agents', {
    algorithm: 'sac',
    spec_id: 'Pendulum-v1',
    seed,
    hyperparameters: { learning_rate: 1e-3 },
  });
  const ended = async (job: Job): Promise<Job> => {
    for (let now = job; ; now = await api.get<Job>(`/v1/jobs/${job.id}?wait=30`)) {
      if (now.state === 'succeeded') return now;
      assert.ok(['queued', 'running'].includes(now.state), now.error?.message);
    }
  };
  const evaluate = async () => {
    const job = await ended(await api.post<Job>(`/v1/agents/${agent.id}/evaluate`, { episodes: EPISODES }));
    assert.equal(job.result?.returns.length, EPISODES);
    return job.result.return_mean;
  };
  const untrained = await evaluate();
  await ended(await api.post<Job>(`/v1/agents/${agent.id}/train`, { total_timesteps: 8000 }));
  const trained = await evaluate();
  t.diagnostic(`mean return ${untrained.toFixed(0)} untrained, ${trained.toFixed(0)} trained`);
  assert.ok(untrained < -800, `an untrained policy reached ${untrained}`);
  assert.ok(trained > -250, `the trained policy reached ${trained}`);
});
