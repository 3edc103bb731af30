// The policy that a client takes home against the one that answers over HTTP.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import ort from 'onnxruntime-node';
import { ApiClient } from '../../scripts/api-client.ts';
import { type ServerProcess, startServer } from '../../scripts/server-process.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { type OnnxFile, readOnnxFile } from '../support/onnx-file.ts';

let server: ServerProcess;
let api: ApiClient;
before(async () => {
  server = await startServer();
  api = new ApiClient(server.url);
});
after(() => server.stop());

interface Agent {
  readonly id: string;
  readonly checkpoint_id: string;
  readonly timesteps: number;
  readonly observation_space: { readonly shape: readonly [number] };
}

interface Taken {
  readonly file: Uint8Array;
  readonly says: OnnxFile;
}

async function take(agentId: string): Promise<Taken> {
  const response = await fetch(`${server.url}/v1/agents/${agentId}/policy.onnx`);
  assert.equal(response.status, 200);
  const file = new Uint8Array(await response.arrayBuffer());
  return { file, says: readOnnxFile(file) };
}

/** The largest difference between the file's actions and the server's, for `rows` random observations. */
async function difference(agent: Agent, { file, says }: Taken, rows: number, rng: Pcg64): Promise<number> {
  const [size] = agent.observation_space.shape;
  const observations = new Float32Array(rows * size);
  rng.fillNormal(observations);
  const session = await ort.InferenceSession.create(file);
  const { action } = await session.run({ observation: new ort.Tensor('float32', observations, [rows, size]) });
  await session.release();
  const answer = await api.post<{ actions: number[][]; policy_step: number }>(`/v1/agents/${agent.id}/act`, {
    observations: Array.from({ length: rows }, (_, row) => [...observations.subarray(row * size, (row + 1) * size)]),
    deterministic: true,
  });
  assert.equal(says.metadata['timesteps'], `${answer.policy_step}`);
  const expected = answer.actions.flat();
  assert.equal(action?.data.length, expected.length);
  return Math.max(...expected.map((value, i) => Math.abs(value - (action.data[i] as number))));
}

for (const spec_id of ['Pendulum-v1', 'HalfCheetah-v5']) {
  test(`${spec_id}: the file acts as the agent does, before training and after it`, { timeout: 120_000 }, async (t) => {
    const rng = Pcg64.fromSeed(3);
    const fresh = await api.post<Agent>('/v1/agents', {
      algorithm: 'sac',
      spec_id,
      seed: 1,
      // Some updates are enough for other parameters than the first ones.
      hyperparameters: { learning_starts: 60, batch_size: 32, learning_rate: 1e-2 },
    });
    const untrained = await take(fresh.id);
    const job = await api.post<{ id: string }>(`/v1/agents/${fresh.id}/train`, { total_timesteps: 100 });
    const compared: string[] = [];
    const compare = async (agent: Agent, taken: Taken) => {
      for (const rows of [1, 3, 300]) {
        const worst = await difference(agent, taken, rows, rng);
        compared.push(worst.toExponential(1));
        // Sums of 256 products in another order: some units in the last place of 2, which is 2.4e-7.
        assert.ok(worst <= 1e-6, `${worst} for ${rows} observations`);
      }
    };
    assert.equal((await api.get<{ state: string }>(`/v1/jobs/${job.id}?wait=60`)).state, 'succeeded');

    const agent = await api.get<Agent>(`/v1/agents/${fresh.id}`);
    const trained = await take(agent.id);
    await compare(agent, trained);
    await api.post(`/v1/agents/${agent.id}/restore`, { checkpoint_id: fresh.checkpoint_id });
    await compare(fresh, untrained);
    t.diagnostic(`${untrained.file.length} bytes; largest differences ${compared.join(', ')}`);

    const { version } = await api.get<{ version: string }>('/v1/server');
    for (const [{ says }, { timesteps, checkpoint_id }] of [
      [trained, agent],
      [untrained, fresh],
    ] as const) {
      const checkpoint = await api.get<{ sha256: string }>(`/v1/checkpoints/${checkpoint_id}`);
      assert.deepEqual(says, {
        producer: 'gymserve',
        version,
        description: `Deterministic policy of ${agent.id}: sac on ${spec_id} after ${timesteps} timesteps.`,
        metadata: {
          agent_id: agent.id,
          spec_id,
          algorithm: 'sac',
          timesteps: `${timesteps}`,
          checkpoint_id,
          model_sha256: checkpoint.sha256,
          gymserve_version: version,
        },
      });
    }
  });
}

test('while a job trains the agent, the file is what the job published and names no checkpoint', async () => {
  const agent = await api.post<Agent>('/v1/agents', {
    algorithm: 'sac',
    spec_id: 'Pendulum-v1',
    hyperparameters: { hidden_sizes: [16, 16], batch_size: 16, learning_starts: 50 },
  });
  const job = await api.post<{ id: string }>(`/v1/agents/${agent.id}/train`, { total_timesteps: 1_000_000 });
  let published: Taken;
  do published = await take(agent.id);
  while (published.says.metadata['timesteps'] === '0');
  await api.post(`/v1/jobs/${job.id}/cancel`);
  assert.ok(Number(published.says.metadata['timesteps']) >= 50);
  assert.ok(!('checkpoint_id' in published.says.metadata) && !('model_sha256' in published.says.metadata));
  await api.get(`/v1/jobs/${job.id}?wait=30`);
  const ended = (await take(agent.id)).says.metadata;
  assert.equal(ended['checkpoint_id'], (await api.get<Agent>(`/v1/agents/${agent.id}`)).checkpoint_id);
});
