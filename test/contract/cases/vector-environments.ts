import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type RealContext, SPEC } from '../../support/real-servers.ts';

export function vectorEnvironmentCases({ http, start }: RealContext): void {
  let id = '';
  let path = '';
  const make = async (more: object = {}) => {
    const wanted = { spec_id: SPEC, num_envs: 3, seed: 7, max_episode_steps: 2, ...more };
    const { body } = await http.post('/v1/environments').send(wanted).expect(201);
    id = body.id;
    path = `/v1/environments/${id}`;
    return body;
  };
  beforeEach(() => make());
  const actions = [[0.5], [0], [-0.5]];
  const reset = async (body: object = {}) => (await http.post(`${path}/reset`).send(body).expect(200)).body;
  const step = async (body: object = { actions }) => (await http.post(`${path}/step`).send(body).expect(200)).body;
  const refused = async (call: string, body: object, status: number) =>
    (await http.post(`${path}/${call}`).send(body).expect(status)).body;

  test('creation says how many there are and how episodes follow one another', async () => {
    const { body } = await http.get(path).expect(200);
    assert.deepEqual([body.num_envs, body.autoreset_mode, body.needs_reset], [3, 'NextStep', true]);
    assert.deepEqual([body.episode_step, body.episode_return], [null, null]);
    assert.deepEqual(body.action_space.shape, [1]);
    assert.equal((await make({ autoreset_mode: 'Disabled' })).autoreset_mode, 'Disabled');
    const single = (await http.post('/v1/environments').send({ spec_id: SPEC }).expect(201)).body;
    assert.deepEqual([single.num_envs, single.autoreset_mode], [null, null]);
  });

  test('sub-environment i begins as a single environment does with the seed + i', async () => {
    const { observations, infos, seq } = await reset();
    assert.deepEqual([infos, seq], [{}, 1]);
    const single = (await http.post('/v1/environments').send({ spec_id: SPEC }).expect(201)).body;
    for (const [i, observation] of observations.entries()) {
      const first = await http.post(`/v1/environments/${single.id}/reset`).send({ seed: 7 + i });
      assert.deepEqual(first.body.observation, observation);
    }
    const each = await reset({ seed: [9, null, 7] });
    assert.deepEqual(each.observations[0], observations[2]);
    assert.deepEqual(each.observations[2], observations[0]);
    assert.notDeepEqual(each.observations[1], observations[1]);
  });

  test('NextStep: the step after an end resets', async () => {
    await reset();
    assert.deepEqual((await step()).truncations, [false, false, false]);
    assert.deepEqual((await step()).truncations, [true, true, true]);
    const { rewards, truncations, infos, seq } = await step();
    assert.deepEqual([rewards, truncations, infos, seq], [[0, 0, 0], [false, false, false], {}, 4]);
  });

  test('SameStep: what ended stands in the infos', async () => {
    await make({ autoreset_mode: 'SameStep' });
    await reset();
    await step();
    const { observations, infos, rewards } = await step();
    assert.deepEqual(Object.keys(infos).sort(), ['_final_info', '_final_obs', 'final_info', 'final_obs']);
    assert.deepEqual([infos._final_obs, infos.final_info], [[true, true, true], {}]);
    assert.notDeepEqual(infos.final_obs, observations);
    assert.ok(rewards.every((reward: number) => reward < 0));
  });

  test('Disabled: a reset_mask resets what has ended, and a step waits for it', async () => {
    await make({ autoreset_mode: 'Disabled', max_episode_steps: 1 });
    await reset();
    const ended = await step();
    const { code, detail } = await refused('step', { actions }, 409);
    assert.equal(code, 'reset_required');
    assert.match(detail, /sub-environments 0, 1, 2\. .*reset_mask/);
    assert.equal((await http.get(path).expect(200)).body.needs_reset, true);
    const { observations } = await reset({ reset_mask: [true, false, true], seed: 7 });
    assert.deepEqual(observations[1], ended.observations[1]);
    assert.match((await refused('step', { actions }, 409)).detail, /sub-environments 1\./);
    await reset({ reset_mask: [false, true, false] });
    assert.equal((await http.get(path).expect(200)).body.needs_reset, false);
    await step();
  });

  test('infos of a robot are lists with masks', async () => {
    await make({ spec_id: 'HalfCheetah-v5', num_envs: 2 });
    const { infos } = await reset();
    assert.deepEqual(Object.keys(infos).sort(), ['_x_position', 'x_position']);
    assert.deepEqual(infos._x_position, [true, true]);
    const still = Array(6).fill(0);
    assert.equal((await step({ actions: [still, still] })).infos.x_velocity.length, 2);
  });

  test('wrappers stand around each sub-environment', async () => {
    await make({ autoreset_mode: 'SameStep', wrappers: [{ name: 'RecordEpisodeStatistics' }] });
    await reset();
    const first = await step();
    const { infos, rewards } = await step();
    const { episode, _episode } = infos.final_info;
    assert.deepEqual(
      [episode.l, _episode],
      [
        [2, 2, 2],
        [true, true, true],
      ],
    );
    assert.deepEqual(
      episode.r,
      rewards.map((reward: number, i: number) => first.rewards[i] + reward),
    );
  });

  test('a step with seq may be sent again, and no other', async () => {
    await reset();
    const first = await step({ actions, seq: 2 });
    assert.deepEqual(await step({ actions, seq: 2 }), first);
    assert.equal((await refused('step', { actions, seq: 4 }, 409)).code, 'sequence_mismatch');
  });

  test('sampled actions are ones that step takes', async () => {
    await reset();
    const { body } = await http.post(`${path}/action-space/sample`).expect(200);
    assert.equal(body.actions.length, 3);
    await step(body);
  });

  test('numbers that JSON cannot write are strings', async () => {
    await reset({ options: { x_init: 1e308 } });
    const { observations, rewards } = await step();
    assert.deepEqual(observations, Array(3).fill(['NaN', 'NaN', 'NaN']));
    assert.deepEqual(rewards, ['NaN', 'NaN', 'NaN']);
  });

  for (const [call, body, status, detail] of [
    ['step', { actions }, 409, /not been reset yet/],
    ['step', { action: [0.5] }, 400, /has 3 sub-environments; send "actions"/],
    ['step', { actions, action: [0.5] }, 400, /absent where actions is given/],
    ['step', {}, 400, /lacks the field "action"/],
    ['step', { actions: [[0], [0]] }, 422, /actions has 2 elements.*list of 3/],
    ['step', { actions: [[0], [0], [0, 0]] }, 422, /actions\[2\] has 2 elements/],
    ['step', { actions: [[0], ['NaN'], [0]] }, 422, /actions\[1\]\[0\] is NaN/],
    ['step', { actions: [[0], [null], [0]] }, 400, /actions\.1\.0.*null/],
    ['reset', { seed: [1, 2] }, 400, /There are 2 seeds; send 3/],
    ['reset', { seed: [1, 2, 'x'] }, 400, /seed/],
    ['reset', { seed: 2 ** 53 - 2 }, 400, /seed \+ i/],
    ['reset', { reset_mask: [true, false, false] }, 400, /first reset is of all/],
    ['reset', { reset_mask: [false, false, false] }, 400, /true for at least one/],
    ['reset', { reset_mask: [true] }, 400, /list of 3/],
    ['reset', { options: { x: 1 } }, 400, /"x".*x_init/],
  ] as const) {
    test(`${call} with ${JSON.stringify(body)} is refused`, async () => {
      assert.match((await refused(call, body, status)).detail, detail);
      // And nothing has changed.
      assert.equal((await http.get(path).expect(200)).body.seq, 0);
    });
  }

  test('what a vector takes, a single environment refuses', async () => {
    const { body } = await http.post('/v1/environments').send({ spec_id: SPEC }).expect(201);
    path = `/v1/environments/${body.id}`;
    assert.match((await refused('reset', { seed: [1] }, 400)).detail, /takes no list of seeds/);
    assert.match((await refused('reset', { reset_mask: [true] }, 400)).detail, /takes no reset_mask/);
    await reset();
    assert.match((await refused('step', { actions: [[0]] }, 400)).detail, /is a single one; send "action"/);
  });

  test('sub-environments count against the limit', async () => {
    const small = await start({ limits: { environments: 4 } });
    const create = (num_envs: number) => small.http.post('/v1/environments').send({ spec_id: SPEC, num_envs });
    await create(3).expect(201);
    assert.match((await create(2).expect(503)).body.detail, /at most 4 environments and has 3, so that 2 more/);
    assert.match((await create(5).expect(503)).body.detail, /num_envs is 5/);
    assert.equal((await small.http.get('/v1/server').expect(200)).body.use.environments, 3);
    await create(1).expect(201);
    await small.close();
  });

  test('a vector that was deleted is gone', async () => {
    await http.delete(path).expect(204);
    assert.equal((await refused('reset', {}, 410)).code, 'environment_gone');
    assert.equal((await refused('step', { actions }, 410)).code, 'environment_gone');
  });
}
