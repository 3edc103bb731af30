import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipeline, type RealContext, rawRequest, SPEC } from '../../support/real-servers.ts';

export function environmentCheckCases({ http, url, recorded, start }: RealContext): void {
  const create = async (wanted: object): Promise<string> =>
    `/v1/environments/${(await http.post('/v1/environments').send(wanted).expect(201)).body.id}`;
  const check = async (path: string, body: object = {}) =>
    (await http.post(`${path}/check`).send(body).expect(200)).body;

  for (const wanted of [
    { spec_id: SPEC, max_episode_steps: 30 },
    { spec_id: 'HalfCheetah-v5', wrappers: [{ name: 'ScaleMass', kwargs: { scale: [0.5, 2] } }] },
    { spec_id: 'Pendulum-v1', wrappers: [{ name: 'NormalizeObservation' }, { name: 'RecordEpisodeStatistics' }] },
    { spec_id: 'Taxi-v4', num_envs: 2, max_episode_steps: 7, autoreset_mode: 'Disabled' },
    {
      spec_id: 'CartPole-v1',
      num_envs: 9,
      autoreset_mode: 'SameStep',
      wrappers: [{ name: 'RecordEpisodeStatistics' }],
    },
    { spec_id: 'CartPole-v1', num_envs: 2, wrappers: [{ name: 'NormalizeReward' }] },
  ]) {
    test(`${JSON.stringify(wanted)} keeps the contract, and the live one stays as it is`, async () => {
      const path = await create(wanted);
      await http.post(`${path}/reset`).expect(200);
      const before = (await http.get(`${path}/state`).expect(200)).body;
      const { passed, checks, seed, steps, duration_s } = await check(path, { seed: 3, steps: 60 });
      const broken = checks.filter((finding: { passed: boolean }) => !finding.passed);
      assert.deepEqual(broken, []);
      assert.deepEqual([passed, seed, steps], [true, 3, 60]);
      assert.ok(duration_s > 0);
      assert.equal(checks.length, 'num_envs' in wanted ? 27 : 21);
      assert.deepEqual((await http.get(`${path}/state`).expect(200)).body, before);
    });
  }

  test('what breaks a rule is a finding, not an error', async () => {
    // A random map without a seed is another one each time.
    const path = await create({ spec_id: 'FrozenLake-v1', kwargs: { desc: null, map_name: null } });
    const { passed, checks } = await check(path);
    assert.equal(passed, false);
    const finding = checks.find(({ name }: { name: string }) => name === 'snapshot_restore');
    assert.equal(finding.passed, false);
    assert.match(finding.detail, /another map/);
  });

  test('statistics that outlive resets are named', async () => {
    const { checks } = await check(await create({ spec_id: SPEC, wrappers: [{ name: 'NormalizeReward' }] }));
    const { detail } = checks.find(({ name }: { name: string }) => name === 'reseeding');
    assert.match(detail, /statistics of NormalizeReward outlive resets/);
  });

  test('its length is bounded, it waits its turn, and a full server has no room for it', async () => {
    const path = await create({ spec_id: SPEC });
    const { body } = await http.post(`${path}/check`).send({ steps: 1001 }).expect(400);
    assert.match(body.detail, /"steps" is 1001; it must be <= 1000/);
    const one = rawRequest('POST', `${path}/action-space/sample`, '{}');
    const [refused] = (await pipeline(url, one.repeat(32) + rawRequest('POST', `${path}/check`, '{}'), 33)).slice(-1);
    assert.equal(refused?.status, 429);
    recorded.record('POST', `${path}/check`, refused);
    await http.delete(path).expect(204);
    await http.post(`${path}/check`).expect(410);

    const small = await start({ limits: { environments: 1 } });
    const made = (await small.http.post('/v1/environments').send({ spec_id: SPEC }).expect(201)).body;
    const full = await small.http.post(`/v1/environments/${made.id}/check`).expect(503);
    assert.equal(full.body.code, 'capacity_reached');
    await small.close();
  });
}
