import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { ContractContext } from '../../support/contract-context.ts';

export function agentCases({ http, services }: ContractContext): void {
  let path = '';
  let checkpointId = '';
  beforeEach(async () => {
    const { body } = await http.post('/v1/agents').send({ algorithm: 'sac', spec_id: 'Alpha-v0' }).expect(201);
    path = `/v1/agents/${body.id}`;
    checkpointId = body.checkpoint_id;
  });

  test('creation says where the agent is', async () => {
    const { body, headers } = await http
      .post('/v1/agents')
      .send({ name: 'runner', algorithm: 'sac', spec_id: 'Alpha-v0', seed: 4 })
      .expect(201);
    assert.equal(headers.location, `/v1/agents/${body.id}`);
    assert.deepEqual((await http.get(String(headers.location)).expect(200)).body, body);
    assert.equal((await http.get('/v1/agents').expect(200)).body.data[0].name, 'runner');
  });

  test('a fork comes from a checkpoint alone', async () => {
    await http.post('/v1/agents').send({ from_checkpoint_id: checkpointId }).expect(201);
    for (const extra of [{ algorithm: 'sac' }, { spec_id: 'Alpha-v0' }, { env_kwargs: {} }, { hyperparameters: {} }]) {
      const { body } = await http
        .post('/v1/agents')
        .send({ from_checkpoint_id: checkpointId, ...extra })
        .expect(400);
      assert.match(body.detail, /absent where from_checkpoint_id is given/);
    }
    assert.equal(
      (await http.post('/v1/agents').send({ from_checkpoint_id: 'ckpt_none' }).expect(404)).body.code,
      'checkpoint_not_found',
    );
  });

  test('a new agent needs an algorithm and an environment that go together', async () => {
    assert.match((await http.post('/v1/agents').send({ spec_id: 'Alpha-v0' }).expect(400)).body.detail, /"algorithm"/);
    assert.equal(
      (await http.post('/v1/agents').send({ algorithm: 'dqn', spec_id: 'Alpha-v0' }).expect(404)).body.code,
      'algorithm_not_found',
    );
    assert.equal(
      (await http.post('/v1/agents').send({ algorithm: 'sac', spec_id: 'Beta-v0' }).expect(422)).body.code,
      'unsupported_space',
    );
  });

  test('name and labels change, and what is absent stays', async () => {
    await http
      .patch(path)
      .send({ name: 'sprinter', labels: { a: 'b' } })
      .expect(200);
    const { body } = await http.patch(path).send({ name: null }).expect(200);
    assert.equal(body.name, null);
    assert.deepEqual(body.labels, { a: 'b' });
    await http.patch(path).send({ seed: 3 }).expect(400);
  });

  test('one observation gives an action, several give several', async () => {
    assert.deepEqual(
      (
        await http
          .post(`${path}/act`)
          .send({ observation: [0, 1] })
          .expect(200)
      ).body,
      { action: [0.5], policy_step: 0 },
    );
    const { body } = await http
      .post(`${path}/act`)
      .send({
        observations: [
          [0, 1],
          [2, 3],
        ],
        deterministic: true,
      })
      .expect(200);
    assert.equal(body.actions.length, 2);
    assert.match(
      (
        await http
          .post(`${path}/act`)
          .send({ observation: [0, 1], observations: [[0, 1]] })
          .expect(400)
      ).body.detail,
      /absent/,
    );
    await http.post(`${path}/act`).send({}).expect(400);
    await http.post(`${path}/act`).send({ observations: [] }).expect(400);
    assert.equal(
      (
        await http
          .post(`${path}/act`)
          .send({ observation: [0] })
          .expect(422)
      ).body.code,
      'observation_out_of_space',
    );
  });

  test('training is a job, one at a time', async () => {
    const plan = {
      total_timesteps: 10,
      evaluation: { every_timesteps: 5, episodes: 1 },
      checkpoint: { keep_last: 2 },
      labels: { run: 'first' },
    };
    const { body, headers } = await http.post(`${path}/train`).send(plan).expect(202);
    assert.equal(headers.location, `/v1/jobs/${body.id}`);
    assert.equal(body.state, 'queued');
    assert.deepEqual(body.labels, { run: 'first' });
    assert.deepEqual(body.metrics, { 'loss/critic': 'NaN' });
    assert.equal((await http.get(path).expect(200)).body.training_job_id, body.id);
    for (const [method, call, sent] of [
      ['POST', '/train', { total_timesteps: 1 }],
      ['POST', '/checkpoints', {}],
      ['POST', '/restore', { checkpoint_id: checkpointId }],
      ['DELETE', '', {}],
    ] as const) {
      assert.equal(
        (
          await http
            .call(method, path + call)
            .send(sent)
            .expect(409)
        ).body.code,
        'agent_training',
      );
    }
  });

  for (const plan of [
    { total_timesteps: 0 },
    { total_timesteps: 1e9 + 1 },
    { total_timesteps: 1.5 },
    { total_timesteps: '10' },
    { total_timesteps: 10, evaluation: {} },
    { total_timesteps: 10, evaluation: { every_timesteps: 1, episodes: 1, eposides: 2 } },
    { total_timesteps: 10, checkpoint: { keep_last: 0 } },
    { total_timesteps: 10, threads: 0 },
  ]) {
    test(`${JSON.stringify(plan)} is no plan`, async () => {
      await http.post(`${path}/train`).send(plan).expect(400);
    });
  }

  test('an engine that is not there is 422, a full queue 503', async (t) => {
    assert.equal(
      (await http.post(`${path}/train`).send({ total_timesteps: 1, engine: 'abacus' }).expect(422)).body.code,
      'engine_not_available',
    );
    const { jobStore } = services;
    const { body } = await http.post(`${path}/evaluate`).send({ episodes: 1 }).expect(202);
    const job = jobStore.get(body.id);
    assert.ok(job);
    t.after(() => {
      for (let i = 0; i < 50; i++) jobStore.delete(`filler-${i}`);
    });
    for (let i = 0; i < 50; i++) jobStore.set(`filler-${i}`, job);
    await http.post(`${path}/train`).send({ total_timesteps: 1 }).expect(503);
    await http.post(`${path}/evaluate`).send({ episodes: 1 }).expect(503);
  });

  test('evaluation is a job', async () => {
    const { body, headers } = await http.post(`${path}/evaluate`).send({ episodes: 2, seed: 1 }).expect(202);
    assert.equal(headers.location, `/v1/jobs/${body.id}`);
    assert.equal(body.type, 'evaluate');
    await http.post(`${path}/evaluate`).send({ episodes: 5000 }).expect(422);
  });

  test('checkpoints: save, list, go back', async () => {
    const { body, headers } = await http.post(`${path}/checkpoints`).expect(201);
    assert.equal(headers.location, `/v1/checkpoints/${body.id}`);
    assert.equal((await http.get(`${path}/checkpoints`).expect(200)).body.data[0].id, body.id);
    await http.post(`${path}/restore`).send({ checkpoint_id: body.id }).expect(200);
    const other = await http.post('/v1/agents').send({ algorithm: 'sac', spec_id: 'Gamma-v0' }).expect(201);
    const foreign = { checkpoint_id: other.body.checkpoint_id };
    assert.equal((await http.post(`${path}/restore`).send(foreign).expect(422)).body.code, 'checkpoint_incompatible');
  });

  test('deletion leaves nothing', async () => {
    await http.delete(path).expect(204);
    await http.get(path).expect(404);
  });
}
