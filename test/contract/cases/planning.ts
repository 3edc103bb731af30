import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import ort from 'onnxruntime-node';
import type { RealContext } from '../../support/real-servers.ts';

const LAKE = {
  algorithm: 'soft_policy_iteration',
  spec_id: 'FrozenLake-v1',
  env_kwargs: { is_slippery: false },
  seed: 1,
};

/** An algorithm that plans, over the API that those which learn have. */
export function planningCases({ http }: RealContext): void {
  const create = async (agent: object = {}) =>
    (
      await http
        .post('/v1/agents')
        .send({ ...LAKE, ...agent })
        .expect(201)
    ).body;
  const ended = async (path: string, request: object) => {
    const { body } = await http.post(path).send(request).expect(202);
    const job = (await http.get(`/v1/jobs/${body.id}?wait=60s`).expect(200)).body;
    assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
    return job;
  };
  const curvesOf = async (job: string): Promise<Record<string, [number, number][]>> =>
    Object.fromEntries(
      (await http.get(`/v1/jobs/${job}/metrics`).expect(200)).body.data.map(
        ({ key, points }: { key: string; points: [number, number][] }) => [key, points],
      ),
    );

  test('the catalogue has it, and says what a timestep is', async () => {
    const { body } = await http.get('/v1/algorithms/soft_policy_iteration').expect(200);
    assert.match(body.summary, /One timestep is one iteration/);
    assert.deepEqual(Object.keys(body.hyperparameters_schema.properties), [
      'temperature',
      'discount',
      'tolerance',
      'max_evaluation_sweeps',
    ]);
  });

  test('FrozenLake: it converges to success in every episode, and its curves show the theorem', async () => {
    const agent = await create();
    const job = await ended(`/v1/agents/${agent.id}/train`, {
      total_timesteps: 1000,
      evaluation: { every_timesteps: 2, episodes: 5 },
    });
    assert.deepEqual(job.result, { outcome: 'converged' });
    const last = job.progress.timesteps;
    const curves = await curvesOf(job.id);
    const steps = Array.from({ length: last }, (_, i) => i + 1);
    for (const [key, points] of Object.entries(curves)) {
      assert.ok(readFileSync('docs/metrics.md', 'utf8').includes(`\`${key}\``), `${key} is not in docs/metrics.md`);
      if (key.startsWith('eval/')) continue;
      assert.deepEqual(
        points.map(([step]) => step),
        key === 'q/min_increase' ? steps.slice(1) : steps,
        key,
      );
    }
    const values = (key: string) => (curves[key] ?? assert.fail(key)).map(([, value]) => value);
    assert.ok(Math.min(...values('q/min_increase')) >= -1e-8);
    assert.ok(Math.max(...values('evaluation/residual')) <= 1e-10);
    const starts = values('value/start');
    assert.ok(starts.every((value, i) => i === 0 || value >= (starts[i - 1] as number) - 1e-8));
    assert.deepEqual(curves['eval/return_mean']?.at(-1), [last, 1]);

    const { result } = await ended(`/v1/agents/${agent.id}/evaluate`, { episodes: 20, deterministic: false, seed: 4 });
    assert.ok(result.return_mean > 0.5, `drawn actions succeed in ${result.return_mean}`);
    assert.equal((await http.get(`/v1/agents/${agent.id}`).expect(200)).body.timesteps, last);
  });

  test('it acts on the state, by its likeliest action or a draw, and so does its file', async () => {
    const agent = await create({ spec_id: 'CliffWalking-v1', env_kwargs: {} });
    const path = `/v1/agents/${agent.id}`;
    await ended(`${path}/train`, { total_timesteps: 100 });
    const { result } = await ended(`${path}/evaluate`, { episodes: 1 });
    assert.deepEqual([result.returns, result.lengths], [[-13], [13]]);
    const one = (await http.post(`${path}/act`).send({ observation: 36, deterministic: true }).expect(200)).body;
    assert.equal(one.action, 0);
    const observations = [36, 24, 35, 0];
    const several = (await http.post(`${path}/act`).send({ observations, deterministic: true }).expect(200)).body;
    assert.deepEqual(several.actions.slice(0, 3), [0, 1, 2]);
    const drawn = (await http.post(`${path}/act`).send({ observations }).expect(200)).body.actions;
    assert.ok(drawn.every((action: number) => [0, 1, 2, 3].includes(action)));
    for (const observation of [48, -1, 0.5, [0]]) {
      const { body } = await http.post(`${path}/act`).send({ observation }).expect(422);
      assert.equal(body.code, 'observation_out_of_space');
    }
    const file = (await http.get(`${path}/policy.onnx`).expect(200)).body as Buffer;
    const session = await ort.InferenceSession.create(new Uint8Array(file));
    const observation = new ort.Tensor('float32', Float32Array.from(observations), [4, 1]);
    const { action } = await session.run({ observation });
    await session.release();
    assert.ok(action);
    assert.deepEqual([...(action.data as Float32Array)], several.actions);
  });

  test('a fork, a restore and more training go on from where the checkpoint stands', async () => {
    const agent = await create({ hyperparameters: { temperature: 0.1 } });
    const path = `/v1/agents/${agent.id}`;
    const first = await ended(`${path}/train`, { total_timesteps: 2 });
    assert.deepEqual(first.result, { outcome: 'finished' });
    const { checkpoint_id } = (await http.get(path).expect(200)).body;
    const fork = (await http.post('/v1/agents').send({ from_checkpoint_id: checkpoint_id }).expect(201)).body;
    assert.equal(fork.timesteps, 2);
    const rest = await ended(`${path}/train`, { total_timesteps: 100 });
    assert.deepEqual(rest.result, { outcome: 'converged' });
    const same = await ended(`/v1/agents/${fork.id}/train`, { total_timesteps: 100 });
    assert.deepEqual(await curvesOf(same.id), await curvesOf(rest.id));
    await http.post(`${path}/restore`).send({ checkpoint_id }).expect(200);
    assert.equal((await http.get(path).expect(200)).body.timesteps, 2);
    // Once more on one that has converged: one iteration, which finds nothing better.
    const { progress } = await ended(`/v1/agents/${fork.id}/train`, { total_timesteps: 100 });
    assert.equal(progress.timesteps, 1);
  });

  test('a job can be cancelled in the middle of an evaluation that would take minutes', async () => {
    const desc = { size: 64, p: 0.9, seed: 1 };
    const hyperparameters = { discount: 0.9999999, max_evaluation_sweeps: 10_000_000 };
    const agent = await create({ env_kwargs: { desc }, hyperparameters });
    const { body } = await http.post(`/v1/agents/${agent.id}/train`).send({ total_timesteps: 5 }).expect(202);
    const state = async () => (await http.get(`/v1/jobs/${body.id}`).expect(200)).body.state;
    while ((await state()) === 'queued') await new Promise((resolve) => setTimeout(resolve, 20));
    await http.post(`/v1/jobs/${body.id}/cancel`).expect(200);
    const job = (await http.get(`/v1/jobs/${body.id}?wait=8s`).expect(200)).body;
    assert.equal(job.state, 'cancelled');
    await http.delete(`/v1/agents/${agent.id}`).expect(204);
  });

  for (const [agent, code, detail] of [
    [{ spec_id: 'Pendulum-v1', env_kwargs: {} }, 'unsupported_space', /observes a Discrete space.*Box of shape \[3\]/],
    [{ algorithm: 'sac' }, 'unsupported_space', /SAC observes a Box.*Discrete\(16\)/],
    [{ env_kwargs: { map_name: null } }, 'invalid_kwargs', /Give desc a seed/],
    [{ hyperparameters: { discount: 1 } }, 'invalid_hyperparameter', /"discount" is 1; allowed is number, ≥ 0 and < 1/],
    [{ hyperparameters: { temprature: 1 } }, 'invalid_hyperparameter', /Did you mean "temperature"/],
  ] as const) {
    test(`an agent with ${JSON.stringify(agent)} is ${code}`, async () => {
      const { body } = await http
        .post('/v1/agents')
        .send({ ...LAKE, ...agent })
        .expect(422);
      assert.equal(body.code, code);
      assert.match(body.detail, detail);
    });
  }

  test('several environments at once are refused: it steps none', async () => {
    const agent = await create();
    const plan = { total_timesteps: 1, num_envs: 2 };
    const { body } = await http.post(`/v1/agents/${agent.id}/train`).send(plan).expect(400);
    assert.match(body.detail, /num_envs is 2.*leave num_envs out/);
  });

  test('a replay on the device is refused: it has none', async () => {
    const agent = await create();
    const plan = { total_timesteps: 1, replay_placement: 'device' };
    const { body } = await http.post(`/v1/agents/${agent.id}/train`).send(plan).expect(400);
    assert.match(body.detail, /replay_placement is "device".*leave replay_placement out/);
  });
}
