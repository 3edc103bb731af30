// Every registered environment can be seen; looking depends on the state alone and changes nothing.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Env } from '../../../src/envs/env.ts';
import { live } from '../../../src/envs/mujoco/heap.ts';
import { make, specs } from '../../../src/envs/registry.ts';
import { DomainError } from '../../../src/errors.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { pixelOf } from '../../support/png.ts';

const SMALL = { width: 96, height: 72 };

async function played(id: string, steps: number): Promise<Env> {
  const env = await make(id);
  const actions = Pcg64.fromSeed(2);
  env.reset({ seed: 5 });
  for (let i = 0; i < steps; i++) {
    const { terminated, truncated } = env.step(env.actionSpace.sample(actions));
    if (terminated || truncated) env.reset();
  }
  return env;
}

for (const { id } of specs()) {
  test(`${id} can be seen, and looking changes nothing`, async () => {
    using env = await played(id, 20);
    const before = env.getState();
    const image = env.render(SMALL);
    assert.deepEqual([image.width, image.height, image.data.length], [96, 72, 3 * 96 * 72]);
    const colors = new Set(
      Array.from({ length: 96 * 72 }, (_, i) => pixelOf(image, i % 96, Math.floor(i / 96)).join()),
    );
    assert.ok(colors.size > 3, `There are ${colors.size} colours.`);
    assert.deepEqual(env.render(SMALL), image);
    assert.deepEqual(env.getState(), before);

    // The same steps with a look before each, and without, from the same state.
    const goOn = (look: boolean) => {
      env.setState(before);
      const actions = Pcg64.fromSeed(8);
      return Array.from({ length: 5 }, () => {
        if (look) env.render(SMALL);
        const result = env.step(env.actionSpace.sample(actions));
        if (result.terminated || result.truncated) env.reset();
        return result;
      });
    };
    assert.deepEqual(goOn(true), goOn(false));

    // Another environment in the same state looks the same, whatever it did before.
    using other = await make(id);
    other.reset({ seed: 77 });
    other.setState(before);
    assert.deepEqual(other.render(SMALL), image);
  });

  test(`${id} has a usual size, and refuses sides that are no pixels`, async () => {
    using env = await played(id, 0);
    const usual = env.render({});
    assert.equal(usual.data.length, 3 * usual.width * usual.height);
    for (const side of [15, 2049, 100.5, Number.NaN]) {
      const refused = (error: unknown) =>
        error instanceof DomainError && error.code === 'invalid_request' && /16 to 2048/.test(error.message);
      assert.throws(() => env.render({ width: side }), refused);
      assert.throws(() => env.render({ height: side }), refused);
    }
  });
}

for (const [id, size] of [
  ['HalfCheetah-v5', [480, 480]],
  ['Pendulum-v1', [500, 500]],
  ['CartPole-v1', [600, 400]],
  ['FrozenLake-v1', [256, 256]],
] as const) {
  test(`${id} is drawn with ${size.join(' × ')} pixels`, async () => {
    using env = await played(id, 0);
    const { width, height } = env.render();
    assert.deepEqual([width, height], size);
  });
}

test('there is nothing to see before the first reset, nor after close', async () => {
  const env = await make('HalfCheetah-v5');
  assert.throws(() => env.render(), { code: 'reset_required', message: /call reset before render/ });
  env.reset();
  env.render(SMALL);
  env.close();
  assert.throws(() => env.render(), { code: 'environment_gone' });
});

test('the end of an episode can be looked at', async () => {
  using env = await make('Pendulum-v1', { maxEpisodeSteps: 1 });
  env.reset();
  assert.ok(env.step(Float32Array.of(0)).truncated);
  env.render(SMALL);
});

test('cameras: the one that tracks, the free one, and no others', async () => {
  using env = await played('HalfCheetah-v5', 3);
  const tracking = env.render(SMALL);
  assert.deepEqual(env.render({ ...SMALL, camera: 'track' }), tracking);
  const free = env.render({ ...SMALL, camera: 'free' });
  assert.notDeepEqual(free, tracking);
  assert.deepEqual(env.render({ ...SMALL, azimuth: 90, elevation: -20, distance: 4 }), free);
  assert.notDeepEqual(env.render({ ...SMALL, distance: 2 }), free);
  const refusals = [
    [{ camera: 'tracks' }, /no camera "tracks"; it has "free", "track"/],
    [{ camera: 'track', azimuth: 3 }, /cannot be aimed/],
    [{ elevation: 91 }, /elevation of the camera is 91; it must be from -90 to 90/],
    [{ distance: Number.NaN }, /distance/],
  ] as const;
  for (const [options, message] of refusals) {
    assert.throws(() => env.render({ ...SMALL, ...options }), { code: 'invalid_request', message });
  }
  using flat = await played('CartPole-v1', 1);
  assert.throws(() => flat.render({ distance: 2 }), { code: 'invalid_request', message: /leave "distance" out/ });
});

test('the tracking camera keeps a robot in sight however far it ran', async () => {
  using env = await played('HalfCheetah-v5', 1);
  const seesRobot = () => {
    const image = env.render(SMALL);
    return image.data.some((red, i) => i % 3 === 0 && red > (image.data[i + 2] as number) + 30);
  };
  assert.ok(seesRobot());
  for (let i = 0; i < 300; i++) env.step(Float32Array.from({ length: 6 }, (_, j) => Math.sin(i / 2 + j)));
  assert.ok(seesRobot());
});

test('a state that diverged can be looked at', async () => {
  using env = await make('Pendulum-v1');
  env.reset({ options: { x_init: 1e308 } });
  env.step(Float32Array.of(0));
  assert.equal(env.render(SMALL).data.length, 3 * 96 * 72);
});

test('environments of one model share the stage for their pictures, and free it', async () => {
  const before = { ...live };
  const envs = await Promise.all([1, 2].map(() => make('Hopper-v5')));
  for (const env of envs) env.reset();
  for (const env of envs) env.render(SMALL);
  assert.deepEqual(live, { models: before.models + 1, data: before.data + 3 });
  for (const env of envs) env.close();
  assert.deepEqual(live, before);
});
