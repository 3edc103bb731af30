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
  assert.deepEqual(ids, ['HalfCheetah-v5', 'Pendulum-v1']);
  for (const spec of specs()) assert.equal(findSpec(spec.id), spec);
});

for (const [wrong, near] of [
  ['HalfCheetah-v4', 'HalfCheetah-v5'],
  ['halfcheetah', 'HalfCheetah-v5'],
  ['pendulum-v0', 'Pendulum-v1'],
  ['', 'Pendulum-v1'],
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
