// Snapshots over HTTP and over a restart: what one server process gave, another one goes on from, byte for byte.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { ApiClient, type Json } from '../../scripts/api-client.ts';
import { startServer } from '../../scripts/server-process.ts';

const STEPS = 60;
const PLANS: readonly Json[] = [
  { spec_id: 'Ant-v5', seed: 3 },
  { spec_id: 'Hopper-v5', seed: 3, num_envs: 5, autoreset_mode: 'SameStep' },
  {
    spec_id: 'Walker2d-v5',
    seed: 3,
    max_episode_steps: 25,
    wrappers: [
      { name: 'ActionDelay', kwargs: { delay: [0, 3] } },
      { name: 'ScaleMass', kwargs: { scale: [0.8, 1.2] } },
      { name: 'NormalizeObservation' },
    ],
  },
];

async function serve(t: TestContext, envWorkers: number): Promise<ApiClient> {
  const server = await startServer({ args: ['--env-workers', String(envWorkers)] });
  t.after(() => server.stop());
  return new ApiClient(server.url);
}

async function create(api: ApiClient, plan: Json): Promise<string> {
  return `/v1/environments/${(await api.post<{ id: string }>('/v1/environments', plan)).id}`;
}

/** Everything that a client sees of some steps with sampled actions, but for `seq`. */
async function play(api: ApiClient, path: string): Promise<Json[]> {
  const seen: Json[] = [];
  for (let i = 0; i < STEPS; i++) {
    const sampled = await api.post<Json>(`${path}/action-space/sample`);
    const { seq: _, ...step } = await api.post<Json>(`${path}/step`, sampled);
    seen.push(sampled, step);
    if (step['terminated'] !== true && step['truncated'] !== true) continue;
    const { seq: __, ...begun } = await api.post<Json>(`${path}/reset`);
    seen.push(begun);
  }
  return seen;
}

test('a single, a vector and a wrapped environment go on in a server that was started anew', async (t) => {
  const first = await serve(t, 2);
  const saved: { readonly plan: Json; readonly file: ArrayBuffer; readonly onward: Json[] }[] = [];
  for (const plan of PLANS) {
    const path = await create(first, plan);
    await first.post(`${path}/reset`);
    await play(first, path);
    const file = await (await fetch(`${first.url}${path}/state`)).arrayBuffer();
    saved.push({ plan, file, onward: await play(first, path) });
  }
  const second = await serve(t, 1);
  for (const { plan, file, onward } of saved) {
    // Another seed: all that is random stands in the file.
    const path = await create(second, { ...plan, seed: 8 });
    const headers = { 'content-type': 'application/octet-stream' };
    const { status } = await fetch(`${second.url}${path}/state`, { method: 'PUT', headers, body: file });
    assert.equal(status, 200);
    assert.deepEqual(await play(second, path), onward);
  }
});
