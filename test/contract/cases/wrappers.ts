import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrappers } from '../../../src/envs/wrappers/wrapper-registry.ts';
import { type RealContext, SPEC } from '../../support/real-servers.ts';

export function wrapperCases({ http, contract }: RealContext): void {
  const create = async (wanted: object) =>
    (
      await http
        .post('/v1/environments')
        .send({ spec_id: SPEC, seed: 7, ...wanted })
        .expect(201)
    ).body;
  const call = async (where: string, body: object = {}) =>
    (await http.post(`/v1/environments/${where}`).send(body).expect(200)).body;

  test('an environment has the wrappers it was made with, in their order', async () => {
    const wanted = [
      { name: 'RescaleAction', kwargs: { min_action: [-3], max_action: 3 } },
      { name: 'TimeAwareObservation' },
      { name: 'FrameStackObservation', kwargs: { stack_size: 2, padding_type: 'zero' } },
    ];
    const made = await create({ wrappers: wanted });
    assert.deepEqual(
      made.wrappers,
      wanted.map((wrapper) => ({ kwargs: {}, ...wrapper })),
    );
    assert.deepEqual((await http.get(`/v1/environments/${made.id}`).expect(200)).body.wrappers, made.wrappers);
    assert.deepEqual([made.observation_space.shape, made.observation_space.dtype], [[2, 4], 'float64']);
    assert.deepEqual([made.action_space.low, made.action_space.high], [-3, 3]);

    const bare = await create({});
    assert.deepEqual(bare.wrappers, []);
    const { observation: first } = await call(`${bare.id}/reset`);
    const { observation } = await call(`${made.id}/reset`);
    assert.deepEqual(observation, [
      [0, 0, 0, 0],
      [...first, 0],
    ]);
    // 2 of 2 N m, as 3 of 3.
    const { observation: second } = await call(`${bare.id}/step`, { action: [2] });
    assert.deepEqual((await call(`${made.id}/step`, { action: [3] })).observation[1], [...second, 1]);
  });

  test('the return of an episode counts what wrappers pay, and its statistics come with its last step', async () => {
    const paid = [{ name: 'TransformReward', kwargs: { scale: 0, shift: 2 } }, { name: 'RecordEpisodeStatistics' }];
    const { id } = await create({ max_episode_steps: 2, wrappers: paid });
    await call(`${id}/reset`);
    assert.deepEqual((await call(`${id}/step`, { action: [0] })).info, {});
    const { info, episode_return } = await call(`${id}/step`, { action: [0] });
    assert.equal(episode_return, 4);
    assert.deepEqual([info.episode.r, info.episode.l], [4, 2]);
    assert.ok(info.episode.t >= 0);
  });

  test('vector environments wrap each sub-environment', async () => {
    const light = [{ name: 'ScaleMass', kwargs: { scale: [0.5, 2] } }];
    const { id } = await create({ spec_id: 'InvertedPendulum-v5', num_envs: 3, wrappers: light });
    const { infos } = await call(`${id}/reset`, { seed: 5 });
    assert.equal(new Set(infos.mass_scale).size, 3);
    assert.deepEqual(infos._mass_scale, [true, true, true]);
    const single = await create({ spec_id: 'InvertedPendulum-v5', wrappers: light });
    const { info } = await call(`${single.id}/reset`, { seed: 6 });
    assert.equal(info.mass_scale, infos.mass_scale[1]);
  });

  for (const [wanted, code, detail] of [
    [{ wrappers: [{ name: 'NormaliseObservation' }] }, 'invalid_wrapper', /Did you mean "NormalizeObservation"/],
    [
      { spec_id: 'CartPole-v1', wrappers: [{ name: 'RescaleAction' }] },
      'invalid_wrapper',
      /Box action space.*Discrete/,
    ],
    [{ wrappers: [{ name: 'SetGravity' }] }, 'invalid_wrapper', /MuJoCo/],
    [{ wrappers: [{ name: 'ClipAction' }, { name: 'RescaleAction' }] }, 'invalid_wrapper', /before it in the list/],
    [{ num_envs: 3, wrappers: [{ name: 'SetGravity' }] }, 'invalid_wrapper', /MuJoCo/],
    [{ wrappers: [{ name: 'ActionDelay', kwargs: { steps: 2 } }] }, 'invalid_kwargs', /"steps".*: delay\./],
    [{ wrappers: [{ name: 'ActionDelay', kwargs: { delay: -1 } }] }, 'invalid_kwargs', /"delay" is -1/],
  ] as const) {
    test(`${JSON.stringify(wanted)} is refused as ${code}`, async () => {
      const { body } = await http
        .post('/v1/environments')
        .send({ spec_id: SPEC, ...wanted })
        .expect(422);
      assert.equal(body.code, code);
      assert.match(body.detail, detail);
    });
  }

  for (const [wanted, pointer] of [
    [{ name: 'ClipAction' }, '/body/wrappers'],
    ['ClipAction', '/body/wrappers'],
    [['ClipAction'], '/body/wrappers/0'],
    [[{}], '/body/wrappers/0'],
    [[{ name: 'ClipAction', args: {} }], '/body/wrappers/0/args'],
    [Array(17).fill({ name: 'ClipAction' }), '/body/wrappers'],
  ] as const) {
    test(`wrappers ${JSON.stringify(wanted).slice(0, 60)} are refused at ${pointer}`, async () => {
      const { body } = await http.post('/v1/environments').send({ spec_id: SPEC, wrappers: wanted }).expect(400);
      assert.ok(
        body.errors.some((error: { pointer: string }) => error.pointer === pointer),
        JSON.stringify(body.errors),
      );
    });
  }

  test('the document lists every wrapper with every keyword argument and its default', () => {
    const { schemas } = contract.document.components as { schemas: Record<string, { description: string }> };
    const described = schemas['Wrapper']?.description ?? '';
    const entries = new Map(
      Array.from(described.matchAll(/^- `(\w+)(?: {(.*?)})?`:/gm), ([, name, kwargs]) => [name, kwargs]),
    );
    assert.deepEqual(
      [...entries.keys()].sort(),
      wrappers().map(({ name }) => name),
    );
    for (const { name, kwargsSchema } of wrappers()) {
      const properties = Object.entries(kwargsSchema['properties'] as Record<string, { default: unknown }>);
      const expected = properties.map(([kwarg, schema]) => `${kwarg} = ${JSON.stringify(schema.default)}`);
      assert.equal(entries.get(name) ?? '', expected.join(', '), name);
    }
  });
}
