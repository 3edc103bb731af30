import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { decodePng } from '../../support/png.ts';
import { NEW_AGENT, pipeline, type RealContext, rawRequest, SMALL, SPEC } from '../../support/real-servers.ts';

export function rolloutCases({ http, url, recorded }: RealContext): void {
  const create = async (wanted: object = {}): Promise<string> => {
    const { body } = await http
      .post('/v1/environments')
      .send({ spec_id: SPEC, seed: 7, max_episode_steps: 4, ...wanted })
      .expect(201);
    return `/v1/environments/${body.id}`;
  };
  const roll = async (path: string, body: object) => (await http.post(`${path}/rollout`).send(body).expect(200)).body;
  const refusal = async (path: string, body: object, status: number) =>
    (await http.post(`${path}/rollout`).send(body).expect(status)).body;
  let path = '';
  beforeEach(async () => {
    path = await create();
  });

  test('is what single steps are: columns, ends, counters', async () => {
    const actions = Array.from({ length: 10 }, (_, t) => [Math.sin(t)]);
    const { seq, ...rollout } = await roll(path, { actions, infos: true });
    assert.equal(seq, 1);
    const other = await create();
    const begun = (await http.post(`${other}/reset`).expect(200)).body;
    const observations = [begun.observation];
    const rewards: number[] = [];
    const ends: unknown[] = [];
    let last = begun;
    for (const [step, action] of actions.entries()) {
      const { body } = await http.post(`${other}/step`).send({ action }).expect(200);
      rewards.push(body.reward);
      last = body;
      if (body.truncated) {
        const { terminated, truncated, episode_step, episode_return, observation, info } = body;
        const reset = (await http.post(`${other}/reset`).expect(200)).body;
        const what = { final_observation: observation, final_info: info, reset_info: reset.info };
        ends.push({ step, terminated, truncated, episode_step, episode_return, ...what });
        last = reset;
      }
      observations.push(last.observation);
    }
    assert.deepEqual(rollout, {
      object: 'rollout',
      steps: 10,
      observations,
      actions: actions.map(([x]) => [Math.fround(x as number)]),
      rewards,
      terminated: Array(10).fill(false),
      truncated: actions.map((_, t) => t % 4 === 3),
      infos: Array(10).fill({}),
      episode_ends: ends,
      reset_info: {},
      policy_step: null,
      episode_step: last.episode_step,
      episode_return: last.episode_return,
    });
    const { body } = await http.get(path).expect(200);
    assert.deepEqual([body.episode_step, body.seq, body.needs_reset], [2, 1, false]);
  });

  test('goes on where the calls before it left off, with the actions that sampling draws', async () => {
    await http.post(`${path}/reset`).expect(200);
    const first = await http.post(`${path}/step`).send({ action: [1] });
    const rollout = await roll(path, { steps: 5 });
    assert.deepEqual(rollout.observations[0], first.body.observation);
    assert.deepEqual([rollout.reset_info, rollout.infos, rollout.seq], [null, null, 3]);
    assert.equal(rollout.episode_ends[0].step, 2);
    const other = await create();
    for (const action of rollout.actions)
      assert.deepEqual((await http.post(`${other}/action-space/sample`).expect(200)).body.action, action);
  });

  test('may be sent again with its seq, and a step is not taken for it', async () => {
    const first = await roll(path, { steps: 3, seq: 1 });
    assert.deepEqual(await roll(path, { steps: 3, seq: 1 }), first);
    assert.match((await refusal(path, { steps: 3, seq: 5 }, 409)).detail, /send 2 for the next rollout, or 1 to get/);
    const step = await http
      .post(`${path}/step`)
      .send({ action: [0], seq: 1 })
      .expect(409);
    assert.match(step.body.detail, /send 2 for the next step\./);
    assert.equal((await refusal(path, { steps: 3, seq: 1, render: {} }, 409)).code, 'sequence_mismatch');
  });

  test('an agent acts with its last policy, drawn with the environment’s own generator or by its mean', async () => {
    const agent = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body;
    const mean = { steps: 6, agent_id: agent.id, deterministic: true };
    const rollout = await roll(path, mean);
    assert.equal(rollout.policy_step, 0);
    const observations = rollout.observations.slice(0, -1);
    const acted = await http.post(`/v1/agents/${agent.id}/act`).send({ observations, deterministic: true }).expect(200);
    for (const [t, [action]] of acted.body.actions.entries())
      assert.ok(Math.abs(action - rollout.actions[t][0]) < 1e-5, `${action} ${rollout.actions[t][0]}`);
    const drawn = { ...mean, deterministic: false };
    const [one, two] = [await create(), await create()];
    const first = await roll(one, drawn);
    assert.deepEqual((await roll(two, drawn)).actions, first.actions);
    assert.notDeepEqual(first.actions, rollout.actions);
  });

  test('an agent of other spaces is refused, and one that is not there', async () => {
    const wanted = { algorithm: 'sac', spec_id: 'MountainCarContinuous-v0', hyperparameters: SMALL };
    const agent = (await http.post('/v1/agents').send(wanted).expect(201)).body;
    const { code, detail } = await refusal(path, { steps: 3, agent_id: agent.id }, 422);
    assert.equal(code, 'unsupported_space');
    assert.match(
      detail,
      /The observation_space of agent agt_\w+ is .*"shape":\[2\].*environment env_\w+ is .*"shape":\[3\]/,
    );
    assert.equal((await refusal(path, { steps: 3, agent_id: 'agt_none' }, 404)).code, 'agent_not_found');
  });

  test('a refused rollout has stepped nothing', async () => {
    await http.post(`${path}/reset`).expect(200);
    const before = (await http.get(`${path}/state`).expect(200)).body;
    const { code, detail } = await refusal(path, { actions: [[0], [1, 2]] }, 422);
    assert.equal(code, 'action_out_of_space');
    assert.match(detail, /actions\[1\] has 2 elements, not 1/);
    assert.match((await refusal(path, { steps: 3, render: { camera: 'side' } }, 400)).detail, /no camera/);
    const large = { steps: 1000, render: { width: 2048, height: 2048 } };
    assert.match((await refusal(path, large, 400)).detail, /1001 pictures of 2048 × 2048.*at most 150000000/);
    assert.deepEqual((await http.get(`${path}/state`).expect(200)).body, before);
  });

  for (const [body, detail] of [
    [{}, /neither "steps" nor "actions"/],
    [{ steps: 1001 }, /"steps" is 1001; it must be <= 1000/],
    [{ steps: 0 }, /"steps" is 0; it must be >= 1/],
    [{ steps: 2, actions: [[0]] }, /1 actions for 2 steps/],
    [{ actions: [[0]], agent_id: 'agt_1' }, /both "actions" and "agent_id"/],
    [{ steps: 2, render: { every: 0 } }, /must be >= 1/],
  ] as const) {
    test(`${JSON.stringify(body)} is refused`, async () => {
      const problem = await refusal(path, body, 400);
      assert.equal(problem.code, 'invalid_request');
      assert.match(problem.detail, detail);
    });
  }

  test('more numbers than an answer holds are refused, of steps and of sub-environments', async () => {
    const wrappers = [1000, 33].map((size) => ({ name: 'FrameStackObservation', kwargs: { stack_size: size } }));
    const wide = await create({ wrappers });
    assert.match(
      (await refusal(wide, { steps: 43 }, 400)).detail,
      /43 steps are 43 × 99000 numbers.* holds 4194304; ask for at most 42 steps/,
    );
    await http.post(`${wide}/rollout`).send({ steps: 1 }).expect(200);
    const used = async () => (await http.get('/v1/server').expect(200)).body.use.environments;
    const before = await used();
    const many = { spec_id: SPEC, num_envs: 43, wrappers };
    const { body } = await http.post('/v1/environments').send(many).expect(400);
    assert.match(body.detail, /43 sub-environments are 43 × 99000 numbers/);
    assert.equal(await used(), before);
  });

  test('a vector environment takes none', async () => {
    const vector = await create({ num_envs: 2 });
    assert.match(
      (await refusal(vector, { steps: 2 }, 400)).detail,
      /2 sub-environments, and rollouts are of single ones/,
    );
  });

  test('as an animated PNG of so many pictures', async () => {
    const picture = { every: 3, width: 40, height: 30, fps: 10 };
    const call = (accept: string, body: object) => http.post(`${path}/rollout`).set('accept', accept).send(body);
    const { body, headers } = await call('*/*', { steps: 7, render: picture }).responseType('blob').expect(200);
    assert.equal(headers['content-type'], 'image/apng');
    const control = body.indexOf('acTL', 0, 'latin1');
    assert.equal(body.readUInt32BE(control + 4), 3);
    const { width, height } = decodePng(body);
    assert.deepEqual([width, height], [40, 30]);
    const plain = await call('image/apng', { steps: 1 }).responseType('blob').expect(200);
    assert.equal(plain.headers['content-type'], 'image/apng');
    const refused = await call('application/json', { steps: 7, render: picture }).expect(406);
    assert.match(refused.body.detail, /accept image\/apng, or leave "render" out/);
    assert.equal((await http.get(path).expect(200)).body.seq, 2);
  });

  test('waits its turn, and ends with the environment', async () => {
    const one = rawRequest('POST', `${path}/action-space/sample`, '{}');
    const last = rawRequest('POST', `${path}/rollout`, '{"steps":1}');
    const [refused] = (await pipeline(url, one.repeat(32) + last, 33)).slice(-1);
    assert.equal(refused?.status, 429);
    recorded.record('POST', `${path}/rollout`, refused);
    await http.delete(path).expect(204);
    await refusal(path, { steps: 1 }, 410);
  });
}
