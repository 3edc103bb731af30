import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { NEW_AGENT, type RealContext, SMALL, SPEC } from '../../support/real-servers.ts';

export function agentCases({ http, start, dataDir }: RealContext): void {
  let path = '';
  let agent: { id: string; checkpoint_id: string } = { id: '', checkpoint_id: '' };
  before(async () => {
    agent = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body;
    path = `/v1/agents/${agent.id}`;
  });

  test('creation says where the agent is', async () => {
    const { body, headers } = await http
      .post('/v1/agents')
      .send({ ...NEW_AGENT, name: 'Läufer 🏃' })
      .expect(201);
    assert.equal(headers.location, `/v1/agents/${body.id}`);
    assert.deepEqual((await http.get(String(headers.location)).expect(200)).body, body);
    const { data, next_page_token } = (await http.get('/v1/agents?page_size=1').expect(200)).body;
    assert.equal(data[0].name, 'Läufer 🏃');
    assert.ok((await http.get(`/v1/agents?page_token=${next_page_token}`).expect(200)).body.data.length >= 1);
  });

  test('a fork comes from a checkpoint alone, and is what the checkpoint is', async () => {
    const { body } = await http.post('/v1/agents').send({ from_checkpoint_id: agent.checkpoint_id }).expect(201);
    assert.notEqual(body.id, agent.id);
    assert.equal(body.hyperparameters.batch_size, SMALL.batch_size);
    const observation = { observation: [1, 0, 0], deterministic: true };
    const [original, fork] = await Promise.all(
      [agent.id, body.id].map((id) => http.post(`/v1/agents/${id}/act`).send(observation).expect(200)),
    );
    assert.deepEqual(fork?.body, original?.body);
    for (const extra of [{ algorithm: 'sac' }, { spec_id: SPEC }, { env_kwargs: {} }, { hyperparameters: {} }]) {
      const refused = await http
        .post('/v1/agents')
        .send({ from_checkpoint_id: agent.checkpoint_id, ...extra })
        .expect(400);
      assert.match(refused.body.detail, /absent where from_checkpoint_id is given/);
    }
    const none = await http.post('/v1/agents').send({ from_checkpoint_id: 'ckpt_none' }).expect(404);
    assert.equal(none.body.code, 'checkpoint_not_found');
  });

  for (const [change, status, code, detail] of [
    [{ algorithm: undefined }, 400, 'invalid_request', /"algorithm"/],
    [{ algorithm: 'sca' }, 404, 'algorithm_not_found', /"sac"/],
    [{ spec_id: 'Pendulum-v2' }, 404, 'env_spec_not_found', /"Pendulum-v1"/],
    [{ env_kwargs: { gg: 1 } }, 422, 'invalid_kwargs', /"gg"/],
    [{ hyperparameters: { lerning_rate: 1 } }, 422, 'invalid_hyperparameter', /Did you mean "learning_rate"/],
    [{ hyperparameters: { toString: 1 } }, 422, 'invalid_hyperparameter', /"toString"/],
    [{ hyperparameters: { discount: 2 } }, 422, 'invalid_hyperparameter', /"discount" is 2; allowed is .*≤ 1/],
    [{ hyperparameters: { hidden_sizes: [1e9] } }, 422, 'invalid_hyperparameter', /"hidden_sizes"/],
  ] as const) {
    test(`an agent with ${JSON.stringify(change)} is ${code}`, async () => {
      const { body } = await http
        .post('/v1/agents')
        .send({ ...NEW_AGENT, ...(change as object) })
        .expect(status);
      assert.equal(body.code, code);
      assert.match(body.detail, detail);
    });
  }

  test('name and labels change, and what is absent stays', async () => {
    await http
      .patch(path)
      .send({ name: 'sprinter', labels: { a: 'b' } })
      .expect(200);
    const { body } = await http.patch(path).send({ name: null }).expect(200);
    assert.equal(body.name, null);
    assert.deepEqual(body.labels, { a: 'b' });
    assert.deepEqual((await http.patch(path).expect(200)).body.labels, { a: 'b' });
    await http.patch(path).send({ seed: 3 }).expect(400);
  });

  test('one observation gives an action, several give several', async () => {
    const one = { observation: [1, 0, 0], deterministic: true };
    const { action, policy_step } = (await http.post(`${path}/act`).send(one).expect(200)).body;
    assert.equal(policy_step, 0);
    assert.ok(Math.abs(action[0]) <= 2);
    const several = { observations: [one.observation, [0, 1, -8]], deterministic: true };
    const { actions } = (await http.post(`${path}/act`).send(several).expect(200)).body;
    assert.deepEqual(actions[0], action);
    assert.equal(actions.length, 2);
    assert.match(
      (
        await http
          .post(`${path}/act`)
          .send({ ...one, ...several })
          .expect(400)
      ).body.detail,
      /absent/,
    );
    for (const wrong of [{}, { observations: [] }, { observations: Array(4097).fill([0, 0, 0]) }]) {
      await http.post(`${path}/act`).send(wrong).expect(400);
    }
    for (const wrong of [{ observation: [0] }, { observations: [[0, 0, 0], 1] }, { observation: [1e39, 0, 0] }]) {
      const { body } = await http.post(`${path}/act`).send(wrong).expect(422);
      assert.equal(body.code, 'observation_out_of_space');
    }
  });

  test('the policy is a file with a digest and a name, and is not sent to a client that has it', async () => {
    const { body, headers } = await http.get(`${path}/policy.onnx`).expect(200);
    const digest = createHash('sha256').update(body);
    assert.equal(headers['content-type'], 'application/octet-stream');
    assert.equal(headers['content-length'], `${body.length}`);
    assert.equal(headers['content-disposition'], `attachment; filename="${agent.id}.onnx"`);
    assert.equal(headers['repr-digest'], `sha-256=:${digest.copy().digest('base64')}:`);
    assert.equal(headers['etag'], `"${digest.digest('hex')}"`);
    const head = await http.call('HEAD', `${path}/policy.onnx`).expect(200);
    assert.deepEqual([head.headers['etag'], head.headers['content-length']], [headers['etag'], `${body.length}`]);
    const tags = `"other", W/${headers['etag']}`;
    const same = await http.get(`${path}/policy.onnx`).set('if-none-match', tags).expect(304);
    assert.equal(same.headers['etag'], headers['etag']);
  });

  test('the policy of an agent whose checkpoint was lost is 422 and says what is missing', async () => {
    const lost = (
      await http
        .post('/v1/agents')
        .send({ ...NEW_AGENT, seed: 422 })
        .expect(201)
    ).body;
    const { sha256 } = (await http.get(`/v1/checkpoints/${lost.checkpoint_id}`).expect(200)).body;
    rmSync(join(dataDir, 'blobs', sha256));
    const { body } = await http.get(`/v1/agents/${lost.id}/policy.onnx`).expect(422);
    assert.equal(body.code, 'checkpoint_corrupt');
    assert.match(body.detail, new RegExp(sha256));
    await http.delete(`/v1/agents/${lost.id}`).expect(204);
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
    { total_timesteps: 10, replay_placement: 'gpu' },
  ]) {
    test(`${JSON.stringify(plan)} is no plan`, async () => {
      await http.post(`${path}/train`).send(plan).expect(400);
    });
  }

  test('an engine that is not there is 422 and names those that are', async () => {
    const { body } = await http.post(`${path}/train`).send({ total_timesteps: 1, engine: 'abacus' }).expect(422);
    assert.equal(body.code, 'engine_not_available');
    assert.match(body.detail, /"abacus".*auto/);
  });

  test('a replay on the device is 422 with an engine that has none, and says which do', async () => {
    const plan = { total_timesteps: 1, engine: 'onnx-cpu', replay_placement: 'device' };
    const { body } = await http.post(`${path}/train`).send(plan).expect(422);
    assert.equal(body.code, 'engine_not_available');
    assert.match(body.detail, /replay_placement is "device".*"onnx-cpu".*tfjs-node, tfjs-node-gpu/);
    const { engine: _, ...unnamed } = plan;
    const other = (await http.post(`${path}/train`).send(unnamed).expect(422)).body;
    // Whatever the server chose, the client did not.
    assert.match(
      other.detail,
      /but engine was not given, and the server's choice, "[\w-]+", does not do that; name one/,
    );
  });

  test('of many that train one agent at once, one wins; meanwhile the agent stays as it is', async () => {
    const other = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body;
    const where = `/v1/agents/${other.id}`;
    const plan = { total_timesteps: 1e6, labels: { run: 'first' } };
    const answers = await Promise.all(Array.from({ length: 8 }, () => http.post(`${where}/train`).send(plan)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [202, ...Array(7).fill(409)]);
    const { body: job, headers } = answers.find(({ status }) => status === 202) ?? assert.fail();
    assert.equal(headers.location, `/v1/jobs/${job.id}`);
    assert.deepEqual(job.labels, { run: 'first' });
    assert.equal((await http.get(where).expect(200)).body.training_job_id, job.id);
    for (const [method, call, sent] of [
      ['POST', '/train', { total_timesteps: 1 }],
      ['POST', '/restore', { checkpoint_id: other.checkpoint_id }],
      ['DELETE', '', {}],
    ] as const) {
      const { body } = await http
        .call(method, where + call)
        .send(sent)
        .expect(409);
      assert.equal(body.code, 'agent_training');
      assert.match(body.detail, new RegExp(`${job.id}.*cancel`));
    }
    const saved = (await http.post(`${where}/checkpoints`).expect(201)).body;
    assert.equal(saved.job_id, job.id);
    assert.equal(saved.has_replay, true);
    await http
      .post(`${where}/act`)
      .send({ observation: [1, 0, 0] })
      .expect(200);
    await http.post(`/v1/jobs/${job.id}/cancel`).expect(200);
    assert.equal((await http.get(`/v1/jobs/${job.id}?wait=30s`).expect(200)).body.state, 'cancelled');
    await http.delete(where).expect(204);
    await http.get(where).expect(404);
    await http.get(`/v1/jobs/${job.id}`).expect(404);
  });

  test('a full queue is 503', async () => {
    const small = await start({ maxQueuedJobs: 1 });
    const where = `/v1/agents/${(await small.http.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`;
    const running = (await small.http.post(`${where}/train`).send({ total_timesteps: 1e6 }).expect(202)).body;
    const queued = (await small.http.post(`${where}/evaluate`).send({ episodes: 1 }).expect(202)).body;
    assert.equal(queued.state, 'queued');
    const { body } = await small.http.post(`${where}/evaluate`).send({ episodes: 1 }).expect(503);
    assert.equal(body.code, 'capacity_reached');
    assert.match(body.detail, /1 jobs are waiting/);
    const another = `/v1/agents/${(await small.http.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`;
    await small.http.post(`${another}/train`).send({ total_timesteps: 1 }).expect(503);
    assert.equal((await small.http.post(`/v1/jobs/${queued.id}/cancel`).expect(200)).body.state, 'cancelled');
    await small.http.post(`/v1/jobs/${running.id}/cancel`).expect(200);
    await small.close();
  });

  test('checkpoints: save, list, go back', async () => {
    const { body, headers } = await http.post(`${path}/checkpoints`).expect(201);
    assert.equal(headers.location, `/v1/checkpoints/${body.id}`);
    assert.equal((await http.get(`${path}/checkpoints?page_size=1`).expect(200)).body.data[0].id, body.id);
    await http.get(`${path}/checkpoints?page_token=garbage`).expect(400);
    const restored = await http.post(`${path}/restore`).send({ checkpoint_id: body.id }).expect(200);
    assert.equal(restored.body.checkpoint_id, body.id);
    const other = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body;
    for (const call of ['restore', 'evaluate']) {
      const sent = { checkpoint_id: other.checkpoint_id, ...(call === 'evaluate' && { episodes: 1 }) };
      const refused = await http.post(`${path}/${call}`).send(sent).expect(422);
      assert.equal(refused.body.code, 'checkpoint_incompatible');
      assert.match(refused.body.detail, new RegExp(other.id));
    }
  });
}
