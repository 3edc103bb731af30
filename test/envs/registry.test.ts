import assert from 'node:assert/strict';
import test from 'node:test';
import { findSpec, make, specs } from '../../src/envs/registry.ts';

const code = (code: string, message: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test('every spec is found by its id, and ids are in order', () => {
  const ids = specs().map(({ id }) => id);
  assert.deepEqual(ids, [
    'Acrobot-v1',
    'Ant-v5',
    'CartPole-v1',
    'CliffWalking-v1',
    'CliffWalkingSlippery-v1',
    'FrozenLake-v1',
    'HalfCheetah-v5',
    'Hopper-v5',
    'Humanoid-v5',
    'HumanoidStandup-v5',
    'InvertedDoublePendulum-v5',
    'InvertedPendulum-v5',
    'MountainCar-v0',
    'MountainCarContinuous-v0',
    'Pendulum-v1',
    'Pusher-v5',
    'Reacher-v5',
    'Swimmer-v5',
    'Taxi-v4',
    'Walker2d-v5',
  ]);
  for (const spec of specs()) assert.equal(findSpec(spec.id), spec);
});

for (const wrong of ['', 'toString', 'nonsense', '__proto__']) {
  test(`"${wrong}" is not found, and none is named in its place`, () => {
    assert.throws(() => findSpec(wrong), {
      code: 'env_spec_not_found',
      message: `There is no environment "${wrong}". GET /v1/env-specs lists all of them.`,
    });
  });
}

for (const [wrong, near] of [
  ['HalfCheetah-v4', 'HalfCheetah-v5'],
  ['halfcheetah', 'HalfCheetah-v5'],
  ['pendulum-v0', 'Pendulum-v1'],
  ['Ant', 'Ant-v5'],
] as const) {
  test(`"${wrong}" is not found, and "${near}" is named`, async () => {
    const expected = code('env_spec_not_found', new RegExp(`"${wrong}".*"${near}".*env-specs`));
    assert.throws(() => findSpec(wrong), expected);
    await assert.rejects(make(wrong), expected);
  });
}

for (const [kwargs, message] of [
  [{ ctrl_cost: 1 }, /"ctrl_cost" is not a keyword argument.*frame_skip, forward_reward_weight/],
  [{ frame_skip: 2.5 }, /"frame_skip" is 2.5 but must be an integer, at least 1/],
  [{ frame_skip: 0 }, /"frame_skip" is 0/],
  [{ frame_skip: '5' }, /"frame_skip" is "5"/],
  [{ frame_skip: true }, /"frame_skip" is true/],
  [{ ctrl_cost_weight: null }, /"ctrl_cost_weight" is null but must be a finite number/],
  [{ ctrl_cost_weight: NaN }, /"ctrl_cost_weight" is NaN/],
  [{ reset_noise_scale: -1 }, /"reset_noise_scale" is -1 but must be a finite number, at least 0/],
  [{ exclude_current_positions_from_observation: 1 }, /must be true or false/],
  [{ xml_file: 'a.xml' }, /"xml_file"/],
  [{ __proto__: null, constructor: 1 }, /"constructor" is not a keyword argument/],
] as const) {
  test(`HalfCheetah-v5 refuses the keyword arguments ${JSON.stringify(kwargs)}`, async () => {
    await assert.rejects(make('HalfCheetah-v5', { kwargs }), code('invalid_kwargs', message));
  });
}

for (const [id, kwargs, message] of [
  ['Hopper-v5', { healthy_z_range: 1 }, /"healthy_z_range" is 1 but must be a list of two numbers, the lower first/],
  ['Hopper-v5', { healthy_z_range: [1] }, /"healthy_z_range" is \[1\]/],
  ['Hopper-v5', { healthy_z_range: [2, 1] }, /"healthy_z_range" is \[2,1\]/],
  ['Hopper-v5', { healthy_z_range: [0.7, 'inf'] }, /"-Infinity" and "Infinity" leave an end open/],
  ['Hopper-v5', { healthy_z_range: [0.7, NaN] }, /healthy_z_range/],
  ['Hopper-v5', { healthy_z_range: [0.7, null] }, /healthy_z_range/],
  ['Ant-v5', { main_body: 14 }, /"main_body" is 14 but must be one of 0, 1,.*13, world, torso/],
  ['Ant-v5', { main_body: 'tail' }, /"main_body" is "tail"/],
  ['Ant-v5', { main_body: true }, /"main_body" is true/],
] as const) {
  test(`${id} refuses the keyword arguments ${JSON.stringify(kwargs)}`, async () => {
    await assert.rejects(make(id, { kwargs }), code('invalid_kwargs', message));
  });
}

test('what the catalogue says of keyword arguments is JSON, and its defaults are accepted', async () => {
  for (const { id, kwargsSchema } of specs()) {
    assert.deepEqual(JSON.parse(JSON.stringify(kwargsSchema)), kwargsSchema, id);
    const properties = kwargsSchema['properties'] as Record<string, { default: unknown }>;
    const kwargs = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, schema.default]));
    using env = await make(id, { kwargs });
    assert.deepEqual(env.observationSpace.toDocument(), env.spec.observationSpace);
  }
});

for (const maxEpisodeSteps of [0, -1, 1.5, NaN, 2 ** 31]) {
  test(`a limit of ${maxEpisodeSteps} steps is refused`, async () => {
    await assert.rejects(make('Pendulum-v1', { maxEpisodeSteps }), code('invalid_kwargs', /maximum of episode steps/));
  });
}

test('the limit of an environment shows in its spec, not in the catalogue', async () => {
  using env = await make('Pendulum-v1', { maxEpisodeSteps: 7 });
  assert.equal(env.spec.maxEpisodeSteps, 7);
  assert.equal(findSpec('Pendulum-v1').maxEpisodeSteps, 200);
});

for (const [id, options, message] of [
  ['Pendulum-v1', { x_int: 1 }, /no reset option "x_int".*x_init, y_init/],
  ['Pendulum-v1', { x_init: '1' }, /"x_init" is "1"/],
  ['Pendulum-v1', { x_init: -1 }, /not negative/],
  ['HalfCheetah-v5', { low: -1 }, /no reset option "low"/],
  ['CartPole-v1', { low: 1, high: 0 }, /low is at most high; got 1 and 0/],
  ['Acrobot-v1', { low: 1 }, /low is at most high; got 1 and 0.1/],
  ['MountainCar-v0', { high: 'far' }, /"high" is "far"/],
  ['MountainCarContinuous-v0', { low: -1e308, high: 1e308 }, /low is at most high/],
  ['Taxi-v4', { low: 0 }, /no reset option "low".*none/],
] as const) {
  test(`${id} refuses the reset options ${JSON.stringify(options)}`, async () => {
    using env = await make(id);
    assert.throws(() => env.reset({ options }), code('invalid_request', message));
  });
}

for (const seed of [-1, 0.5, NaN, 2 ** 53]) {
  test(`the seed ${seed} is refused`, async () => {
    using env = await make('Pendulum-v1');
    assert.throws(() => env.reset({ seed }), code('invalid_request', /seed/));
  });
}

for (const id of ['Pendulum-v1', 'HalfCheetah-v5']) {
  test(`${id} refuses an action of another type or size`, async () => {
    using env = await make(id);
    env.reset({ seed: 0 });
    for (const action of [0, new Float32Array(2), new Float64Array(6)]) {
      assert.throws(() => env.step(action), code('action_out_of_space', /Float32Array/));
    }
  });
}

for (const id of ['CartPole-v1', 'Acrobot-v1', 'MountainCar-v0', 'CliffWalking-v1', 'FrozenLake-v1', 'Taxi-v4']) {
  test(`${id} refuses an action that is not one of its integers`, async () => {
    using env = await make(id);
    env.reset({ seed: 0 });
    for (const action of [-1, 0.5, 6, NaN, new Float32Array(1)]) {
      assert.throws(() => env.step(action), code('action_out_of_space', /an integer from 0 to \d/));
    }
  });
}
