// A whole training on every engine of this machine, as a client has one: a job over HTTP, and the checkpoint that it leaves.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ApiClient } from '../../scripts/api-client.ts';
import { startServer } from '../../scripts/server-process.ts';
import { decodeCheckpoint } from '../../src/agent/checkpoint.ts';
import { ended, type Job } from '../support/training-servers.ts';

/** The slowest engine takes tens of milliseconds to prepare a kernel, and seconds for an update. */
const AGENT = {
  algorithm: 'sac',
  spec_id: 'Pendulum-v1',
  seed: 7,
  hyperparameters: { hidden_sizes: [4, 4], batch_size: 8, learning_starts: 10 },
};
const STEPS = 40;

const server = await startServer();
after(() => server.stop());
const api = new ApiClient(server.url);
const { engines } = await api.get<{ engines: { name: string; reason: string | null }[] }>('/v1/server');

// Names begin with the engine's: scripts/gpu-check.sh chooses by that.
for (const { name: engine, reason } of engines) {
  test(`${engine} trains an agent over HTTP`, { skip: reason ?? false }, async () => {
    const { id: agentId } = await api.post<{ id: string }>('/v1/agents', AGENT);
    const { id: jobId } = await api.post<Job>(`/v1/agents/${agentId}/train`, { total_timesteps: STEPS, engine });
    const job = await ended(api, jobId);
    assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
    assert.equal(job.progress.timesteps, STEPS);
    // The first when the replay holds `learning_starts`, then one a step.
    assert.equal(job.progress.updates, STEPS - AGENT.hyperparameters.learning_starts + 1);

    const { data } = await api.get<{ data: { id: string }[] }>(`/v1/agents/${agentId}/checkpoints`);
    const file = await fetch(`${server.url}/v1/checkpoints/${data[0]?.id}/content`);
    const { document, tensors } = decodeCheckpoint(new Uint8Array(await file.arrayBuffer()));
    assert.equal(document.engine, engine);
    assert.ok(Object.values(tensors).every((tensor) => [...tensor.data].every(Number.isFinite)));
    // What computed, not what was asked for: acting may be another engine's, updates may not.
    const { data: lines } = await api.get<{ data: { message: string }[] }>(`/v1/jobs/${jobId}/logs`);
    const log = lines.map(({ message }) => message);
    assert.ok(
      log.some((line) => line.startsWith(`Training on ${document.engine_identity}, `)),
      log.join('\n'),
    );
    assert.match(document.engine_identity ?? '', new RegExp(`^${engine}( |$)`));
  });
}
