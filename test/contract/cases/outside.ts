import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { postPacked, tensor } from '../../support/msgpack-client.ts';
import { NEW_AGENT, pipeline, type RealContext, SMALL } from '../../support/real-servers.ts';

const BOX = { type: 'Box', dtype: 'float32', shape: [2], low: '-Infinity', high: 'Infinity' };
const ROBOT = {
  algorithm: 'sac',
  observation_space: BOX,
  action_space: { ...BOX, shape: [1], low: -2, high: 2 },
  hyperparameters: { ...SMALL, replay_capacity: 100 },
  seed: 5,
};

const rows = (count: number) => ({
  observations: Array.from({ length: count }, (_, i) => [i, -i]),
  actions: Array.from({ length: count }, (_, i) => [(i % 5) - 2]),
  rewards: Array.from({ length: count }, (_, i) => -i / count),
  next_observations: Array.from({ length: count }, (_, i) => [i + 1, -i - 1]),
  terminations: Array.from({ length: count }, () => false),
});

/** Agents whose environment is outside: made, given transitions, and learning. */
export function outsideCases(context: RealContext): void {
  const { http, start, url, recorded } = context;
  let path = '';
  const make = async (more: object = {}, client = http): Promise<string> =>
    `/v1/agents/${
      (
        await client
          .post('/v1/agents')
          .send({ ...ROBOT, ...more })
          .expect(201)
      ).body.id
    }`;
  before(async () => {
    path = await make();
  });

  test('an agent of spaces alone says so, acts, is saved and forked', async () => {
    const { body } = await http.get(path).expect(200);
    assert.equal(body.spec_id, null);
    assert.deepEqual([body.observation_space, body.action_space], [ROBOT.observation_space, ROBOT.action_space]);
    const act = async (agent: string) =>
      (
        await http
          .post(`${agent}/act`)
          .send({ observation: [0.5, -1], deterministic: true })
          .expect(200)
      ).body.action;
    const action = await act(path);
    assert.equal(action.length, 1);
    const saved = (await http.post(`${path}/checkpoints`).expect(201)).body;
    const fork = (await http.post('/v1/agents').send({ from_checkpoint_id: saved.id }).expect(201)).body;
    assert.equal(fork.spec_id, null);
    assert.deepEqual(await act(`/v1/agents/${fork.id}`), action);
    await http.post(`${path}/restore`).send({ checkpoint_id: saved.id }).expect(200);
    await http.get(`${path}/policy.onnx`).expect(200);
  });

  test('it is neither trained nor evaluated here, and is told what to do instead', async () => {
    for (const [call, body] of [
      ['train', { total_timesteps: 10 }],
      ['evaluate', { episodes: 1 }],
    ] as const) {
      const refused = (await http.post(`${path}/${call}`).send(body).expect(422)).body;
      assert.equal(refused.code, 'no_environment');
      assert.match(refused.detail, /\/transitions\), then let it learn .*\/learn\)/);
    }
  });

  for (const [what, change, status, detail] of [
    ['one space', { action_space: undefined }, 400, /action_space/],
    [
      'neither spaces nor a spec',
      { observation_space: undefined, action_space: undefined },
      400,
      /lacks the field "spec_id"; add it, or observation_space and action_space/,
    ],
    ['a spec beside', { spec_id: 'Pendulum-v1' }, 400, /absent where the spaces are given/],
    ['kwargs', { env_kwargs: {} }, 400, /absent where the spaces are given/],
    ['an unbounded action', { action_space: BOX }, 422, /bounds that are not finite/],
    ['two dimensions', { observation_space: { ...BOX, shape: [2, 2] } }, 422, /a Box of one dimension/],
    ['bounds the wrong way', { action_space: { ...BOX, low: 1, high: -1 } }, 422, /low must be at most high/],
    ['bounds of another shape', { action_space: { ...BOX, low: [1], high: 2 } }, 422, /low .*of the Box/],
    ['too many numbers', { observation_space: { ...BOX, shape: [65536, 2] } }, 422, /65536 numbers in all/],
    ['a planner', { algorithm: 'soft_policy_iteration', hyperparameters: {} }, 422, /./],
  ] as const) {
    test(`an agent of spaces with ${what} is refused`, async () => {
      const { body } = await http
        .post('/v1/agents')
        .send({ ...ROBOT, ...change })
        .expect(status);
      assert.match(body.detail, detail);
    });
  }

  test('transitions wait, are counted, and are learnt from; what comes meanwhile waits for the next job', async () => {
    const agent = await make();
    const none = (await http.post(`${agent}/learn`).send({ gradient_steps: 1 }).expect(422)).body;
    assert.equal(none.code, 'too_few_transitions');
    assert.match(none.detail, /has 0 transitions to learn from, and 0 in its replay; an update draws batch_size = 16/);
    const first = await http.post(`${agent}/transitions`).send(rows(10)).expect(200);
    assert.deepEqual(first.body, { object: 'transitions', accepted: 10, pending: 10, total: 10 });
    await http.post(`${agent}/learn`).send({ gradient_steps: 1 }).expect(422);
    const packed = {
      ...rows(6),
      observations: tensor([6, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
      rewards: tensor([6], [1, 2, 3, 4, 5, 6]),
      terminations: { dtype: 'bool', shape: [6], data: new Uint8Array(6) },
    };
    const answer = await postPacked(context, `${agent}/transitions`, packed, { accept: 'application/json' });
    assert.deepEqual([answer.status, answer.body['pending']], [200, 16]);

    const plan = {
      gradient_steps: 60,
      checkpoint: { every_gradient_steps: 25, keep_last: 2 },
      labels: { arm: 'left' },
    };
    const { body: job, headers } = await http.post(`${agent}/learn`).send(plan).expect(202);
    assert.equal(headers.location, `/v1/jobs/${job.id}`);
    assert.deepEqual([job.type, job.config.transitions, job.config.transitions_through], ['learn', 16, 16]);
    const again = (await http.post(`${agent}/learn`).send({ gradient_steps: 1 }).expect(409)).body;
    assert.equal(again.code, 'agent_training');
    assert.equal((await http.post(`${agent}/transitions`).send(rows(3)).expect(200)).body.total, 19);
    const { body: ended } = await http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200);
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.error));
    assert.deepEqual(
      [ended.progress.timesteps, ended.progress.total_timesteps, ended.progress.updates, ended.progress.fraction],
      [16, 16, 60, 1],
    );
    assert.ok('loss/critic' in ended.metrics);
    assert.equal((await http.get(agent).expect(200)).body.timesteps, 16);
    const { data } = (await http.get('/v1/jobs?type=learn').expect(200)).body;
    assert.ok(data.some(({ id }: { id: string }) => id === job.id));
    assert.equal((await http.get(`${agent}/checkpoints`).expect(200)).body.data.length, 3);
    assert.equal((await http.post(`${agent}/transitions`).send(rows(1)).expect(200)).body.pending, 4);
  });

  test('a request that is repeated under one key is counted once', async () => {
    const agent = await make();
    const send = (body: object) => http.post(`${agent}/transitions`).set('idempotency-key', 'rows').send(body);
    const first = await send(rows(4)).expect(200);
    const again = await send(rows(4)).expect(200);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.deepEqual(again.body, first.body);
    assert.equal((await send(rows(5)).expect(422)).body.code, 'idempotency_key_reused');
    const body = JSON.stringify(rows(4));
    const head = `POST ${agent}/transitions HTTP/1.1\r\nhost: localhost\r\nidempotency-key: twice\r\ncontent-type: application/json\r\n`;
    const request = `${head}content-length: ${body.length}\r\n\r\n${body}`;
    const responses = await pipeline(url, request + request, 2);
    for (const response of responses) recorded.record('POST', `${agent}/transitions`, response);
    assert.deepEqual(
      responses.map(({ status }) => status),
      [200, 409],
    );
    assert.equal((await http.post(`${agent}/transitions`).send(rows(1)).expect(200)).body.total, 9);
  });

  test('nothing is taken of a request with a row that is wrong', async () => {
    const agent = await make();
    const wrong = { ...rows(3), actions: [[0], [0], [2.5]] };
    const { body } = await http.post(`${agent}/transitions`).send(wrong).expect(422);
    assert.equal(body.code, 'action_out_of_space');
    assert.match(body.detail, /^actions\[2\] is \[2\.5\], beyond the bounds/);
    const short = { ...rows(3), rewards: [1] };
    assert.equal((await http.post(`${agent}/transitions`).send(short).expect(422)).body.code, 'invalid_transitions');
    await http
      .post(`${agent}/transitions`)
      .send({ ...rows(3), terminations: [0, 0, 0] })
      .expect(400);
    assert.equal((await http.post(`${agent}/transitions`).send(rows(1)).expect(200)).body.total, 1);
  });

  test('more than the replay holds may not wait', async () => {
    const agent = await make();
    await http.post(`${agent}/transitions`).send(rows(100)).expect(200);
    const { body } = await http.post(`${agent}/transitions`).send(rows(1)).expect(409);
    assert.equal(body.code, 'transitions_pending');
    assert.match(body.detail, /100 transitions that it has not learnt from, and a replay_capacity of 100; .*learn/);
  });

  for (const hyperparameters of [{ n_steps: 3 }, { reward_normalization: 'automatic' }]) {
    const [name] = Object.keys(hyperparameters);
    test(`an agent with ${name} is refused transitions, and learning from them`, async () => {
      const agent = await make({ hyperparameters: { ...SMALL, ...hyperparameters } });
      for (const [call, body] of [
        ['transitions', rows(1)],
        ['learn', { gradient_steps: 1 }],
      ] as const) {
        const refused = (await http.post(`${agent}/${call}`).send(body).expect(422)).body;
        assert.equal(refused.code, 'transitions_unsupported');
        assert.match(refused.detail, new RegExp(`"${name}" is .*whole episodes in order`));
      }
    });
  }

  test('an agent that plans learns from no transitions', async () => {
    const planner = { algorithm: 'soft_policy_iteration', spec_id: 'FrozenLake-v1' };
    const { id } = (await http.post('/v1/agents').send(planner).expect(201)).body;
    const { body } = await http.post(`/v1/agents/${id}/learn`).send({ gradient_steps: 1 }).expect(422);
    assert.equal(body.code, 'transitions_unsupported');
  });

  test('an agent of an environment here learns from transitions as well, and its queue has a limit', async (t) => {
    const { http: own, close } = await start({ maxQueuedJobs: 1 });
    t.after(close);
    const agents = [];
    for (let i = 0; i < 3; i++)
      agents.push(`/v1/agents/${(await own.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`);
    const [busy = '', waiting = '', agent = ''] = agents;
    const sent = {
      observations: Array.from({ length: 20 }, () => [1, 0, 0]),
      actions: Array.from({ length: 20 }, () => [1]),
      rewards: Array.from({ length: 20 }, () => 0),
      next_observations: Array.from({ length: 20 }, () => [1, 0, 0.1]),
      terminations: Array.from({ length: 20 }, () => false),
    };
    await own.post(`${agent}/transitions`).send(sent).expect(200);
    const running = (await own.post(`${busy}/train`).send({ total_timesteps: 1e6 }).expect(202)).body;
    const next = (await own.post(`${waiting}/evaluate`).send({ episodes: 1 }).expect(202)).body;
    const full = (await own.post(`${agent}/learn`).send({ gradient_steps: 5 }).expect(503)).body;
    assert.equal(full.code, 'capacity_reached');
    await own.post(`/v1/jobs/${running.id}/cancel`).expect(200);
    await own.get(`/v1/jobs/${next.id}?wait=60s`).expect(200);
    const job = (await own.post(`${agent}/learn`).send({ gradient_steps: 5 }).expect(202)).body;
    assert.equal((await own.get(`/v1/jobs/${job.id}?wait=60s`).expect(200)).body.state, 'succeeded');
  });
}
