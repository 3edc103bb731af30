import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RealContext, SPEC } from '../../support/real-servers.ts';

export function catalogueCases({ http }: RealContext): void {
  test('environments come in pages', async () => {
    const all = (await http.get('/v1/env-specs').expect(200)).body;
    assert.equal(all.has_more, false);
    const seen: unknown[] = [];
    for (let query = 'page_size=1'; ; ) {
      const { body } = await http.get(`/v1/env-specs?${query}`).expect(200);
      assert.equal(body.data.length, 1);
      seen.push(...body.data);
      if (!body.has_more) break;
      query = `page_size=1&page_token=${body.next_page_token}`;
    }
    assert.deepEqual(seen, all.data);
  });

  test('a page token that no page gave is refused', async () => {
    const { body } = await http.get('/v1/env-specs?page_token=Nothing-v0').expect(400);
    assert.equal(body.errors[0].pointer, '/query/page_token');
  });

  test('one environment', async () => {
    const { body } = await http.get(`/v1/env-specs/${SPEC}`).expect(200);
    assert.deepEqual(body.action_space, { type: 'Box', dtype: 'float32', shape: [1], low: -2, high: 2 });
    assert.equal(body.kwargs_schema.properties.g.default, 10);
  });

  test('an unknown environment names the nearest', async () => {
    const { body } = await http.get('/v1/env-specs/Pendlum-v1').expect(404);
    assert.equal(body.code, 'env_spec_not_found');
    assert.match(body.detail, /"Pendulum-v1"/);
  });

  test('what a specification says of pictures, aliases and wrappers', async () => {
    const spec = async (id: string) => (await http.get(`/v1/env-specs/${id}`).expect(200)).body;
    const { render_modes, aliases, nondeterministic, reward_threshold, max_episode_steps } = await spec('Taxi-v3');
    assert.deepEqual([render_modes, aliases], [['rgb_array', 'ansi'], ['Taxi-v3']]);
    assert.deepEqual([nondeterministic, reward_threshold, max_episode_steps], [false, 8, 200]);
    assert.deepEqual((await spec(SPEC)).render_modes, ['rgb_array']);
    const { body } = await http.get('/v1/wrappers').expect(200);
    const names = body.data.map(({ name }: { name: string }) => name);
    assert.ok(names.includes('ActionDelay') && names.includes('TransformReward'));
    assert.equal(
      body.data.find(({ name }: { name: string }) => name === 'NormalizeReward').kwargs_schema.properties.gamma.default,
      0.99,
    );
  });

  test('algorithms', async () => {
    const { body } = await http.get('/v1/algorithms').expect(200);
    assert.deepEqual((await http.get('/v1/algorithms/sac').expect(200)).body, body.data[0]);
    assert.match((await http.get('/v1/algorithms/sca').expect(404)).body.detail, /"sac"/);
  });
}
