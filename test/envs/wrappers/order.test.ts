import assert from 'node:assert/strict';
import test from 'node:test';
import { make } from '../../../src/envs/registry.ts';
import type { Tensors } from '../../../src/math/tensor.ts';

const ACTION = Float32Array.of(0.5);
const limited = () => make('Pendulum-v1', { maxEpisodeSteps: 3 });
const code = (code: string) => (error: Error & { code?: string }) => error.code === code;

test('step before reset is refused', async () => {
  using env = await limited();
  assert.throws(() => env.step(ACTION), { code: 'reset_required', message: /has not been reset/ });
});

test('the last allowed step truncates; one more is refused until reset', async () => {
  using env = await limited();
  env.reset({ seed: 0 });
  assert.deepEqual(
    [1, 2, 3].map(() => env.step(ACTION).truncated),
    [false, false, true],
  );
  assert.throws(() => env.step(ACTION), { code: 'reset_required', message: /finished its episode/ });
  env.reset();
  assert.equal(env.step(ACTION).truncated, false);
});

test('a reset that fails leaves the episode as it was', async () => {
  using env = await limited();
  env.reset({ seed: 0 });
  env.step(ACTION);
  const before = env.getState();
  assert.throws(() => env.reset({ options: { x_init: 'far' } }), code('invalid_request'));
  assert.deepEqual(env.getState(), before);
  assert.deepEqual(
    [2, 3].map(() => env.step(ACTION).truncated),
    [false, true],
  );
});

test('a snapshot carries elapsed steps and order into another environment', async () => {
  using env = await limited();
  using other = await limited();
  const fresh = env.getState();
  env.reset({ seed: 0 });
  env.step(ACTION);
  env.step(ACTION);
  other.setState(structuredClone(env.getState()));
  assert.deepEqual(other.step(ACTION), env.step(ACTION));
  assert.throws(() => other.step(ACTION), code('reset_required'));
  assert.deepEqual(other.getState(), env.getState());
  assert.deepEqual(other.reset(), env.reset());
  other.setState(fresh);
  assert.throws(() => other.step(ACTION), code('reset_required'));
});

test('an unfit snapshot is refused and changes nothing', async () => {
  using env = await make('HalfCheetah-v5');
  using pendulum = await make('Pendulum-v1');
  env.reset({ seed: 0 });
  const good = env.getState();
  const physics = good['env/env/physics']?.data as Float64Array;
  const unfit: Tensors[] = [
    {},
    pendulum.getState(),
    { ...good, phase: { shape: [1], data: Uint8Array.of(9) } },
    { ...good, phase: { shape: [1], data: Float32Array.of(1) } },
    { ...good, 'env/env/physics': { shape: [3], data: new Float64Array(3) } },
    { ...good, 'env/env/physics': { shape: [physics.length], data: physics.map(() => NaN) } },
    { ...good, 'env/env/rng/pcg64': { shape: [6], data: new BigUint64Array(6) } },
  ];
  for (const state of unfit) assert.throws(() => env.setState(state), code('checkpoint_incompatible'));
  assert.deepEqual(env.getState(), good);
});

test('a closed environment refuses everything but closing', async () => {
  const env = await limited();
  env.reset({ seed: 0 });
  env.close();
  env.close();
  for (const call of [() => env.reset(), () => env.step(ACTION), () => env.getState(), () => env.setState({})]) {
    assert.throws(call, code('environment_gone'));
  }
});
