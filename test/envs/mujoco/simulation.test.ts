import assert from 'node:assert/strict';
import test from 'node:test';
import { HALF_CHEETAH_MJCF } from '../../../src/envs/mujoco/half-cheetah-model.ts';
import { live } from '../../../src/envs/mujoco/heap.ts';
import { Simulation } from '../../../src/envs/mujoco/simulation.ts';
import { make } from '../../../src/envs/registry.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { vector } from '../../../src/math/tensor.ts';
import { MJCF_MODELS } from './mjcf-models.ts';

const ACTION = Float32Array.of(0.5, -0.5, 1, -1, 0.25, 0);

test('2,000 half-cheetahs can be created and closed, and leave nothing behind', async () => {
  const before = { ...live };
  for (let i = 0; i < 2000; i++) {
    using env = await make('HalfCheetah-v5');
    env.reset({ seed: i });
    env.step(ACTION);
    env.getState();
  }
  assert.deepEqual(live, before);
});

test('environments share their compiled model and free it with the last', async () => {
  const envs = await Promise.all(Array.from({ length: 3 }, () => make('HalfCheetah-v5')));
  assert.deepEqual(live, { models: 1, data: 3 });
  for (const env of envs) env.close();
  assert.deepEqual(live, { models: 0, data: 0 });
});

test('an environment goes on while others make the heap grow', async () => {
  const run = async (others: number) => {
    using env = await make('HalfCheetah-v5');
    env.reset({ seed: 1 });
    const first = env.step(ACTION);
    const crowd = await Promise.all(Array.from({ length: others }, () => make('HalfCheetah-v5')));
    const second = env.step(ACTION);
    const snapshot = env.getState();
    for (const other of crowd) other.close();
    return [first, second, snapshot];
  };
  assert.deepEqual(await run(300), await run(0));
});

for (const [name, mjcf] of MJCF_MODELS) {
  test(`${name}: the small arena gives the bytes that MuJoCo’s default gives`, async () => {
    const roomy = mjcf.replace(/<size [^>]*>/, '');
    assert.notEqual(roomy, mjcf);
    const [small, large] = [await Simulation.create(mjcf), await Simulation.create(roomy)];
    const rng = Pcg64.fromSeed(5);
    const control = new Float32Array(small.nu);
    // Thrown about, so that it falls and lies.
    const thrown = rng.standardNormalArray(small.nv).map((velocity) => 3 * velocity);
    for (const simulation of [small, large]) simulation.qvel.set(thrown);
    for (let i = 0; i < 200; i++) {
      rng.fillUniform(control, -1, 1);
      small.step(control, 5);
      large.step(control, 5);
    }
    assert.deepEqual(small.getState(), large.getState());
    small.close();
    large.close();
  });
}

test('a snapshot of an environment with a memory must have that, of the right size and finite', async () => {
  using env = await make('Ant-v5');
  env.reset({ seed: 1 });
  const { 'env/env/memory': memory, ...rest } = env.getState();
  assert.equal(memory?.data.length, 2);
  for (const wrong of [
    {},
    { 'env/env/memory': vector(new Float64Array(3)) },
    { 'env/env/memory': vector(Float64Array.of(0, NaN)) },
  ]) {
    assert.throws(() => env.setState({ ...rest, ...wrong }), { code: 'checkpoint_incompatible' });
  }
});

test('a body that the model lacks is named', async () => {
  const simulation = await Simulation.create(HALF_CHEETAH_MJCF);
  assert.equal(simulation.bodyId('torso'), 1);
  assert.throws(() => simulation.bodyId('wing'), /no body "wing"/);
  simulation.close();
});

test('closing a simulation twice is harmless', async () => {
  const simulation = await Simulation.create(HALF_CHEETAH_MJCF);
  simulation.close();
  simulation.close();
  assert.deepEqual(live, { models: 0, data: 0 });
});
