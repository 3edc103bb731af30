// Every wrapper: the contract of environments, exact snapshots, and what it refuses.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { checkEnv } from '../../../src/envs/check-env.ts';
import type { Env } from '../../../src/envs/env.ts';
import { live } from '../../../src/envs/mujoco/heap.ts';
import { make } from '../../../src/envs/registry.ts';
import { PassiveEnvChecker } from '../../../src/envs/wrappers/passive-env-checker.ts';
import { RecordEpisodeStatistics } from '../../../src/envs/wrappers/record-episode-statistics.ts';
import { type WrapperWish, wrappers } from '../../../src/envs/wrappers/wrapper-registry.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { freshSeed } from '../../support/seed.ts';

const code = (code: string, message: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

/** Kwargs that draw something in each episode, where a wrapper can. */
const DRAWN: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ActionDelay: { delay: [0, 4] },
  JointFriction: { friction: [0, 2] },
  ObservationNoise: { deviation: [0, 0.5] },
  RandomPushes: { probability: 0.2, force: [1, 50], duration: [1, 5], direction: 'xyz' },
  ScaleActuators: { scale: [0.5, 1.5] },
  ScaleDamping: { scale: [0.5, 1.5] },
  ScaleMass: { scale: [0.5, 1.5] },
  SetGravity: { gravity: [5, 12] },
};
/** Their infos hold the wall clock's time. */
const timed = (name: string) => name === 'RecordEpisodeStatistics';

/** Their statistics go on through resets, seeded ones too, as Gymnasium's do. */
const isRemembering = (name: string) => wrappers().some((other) => other.name === name && other.outlivesResets);

for (const { name } of wrappers().filter(({ name }) => !timed(name) && !isRemembering(name))) {
  test(`${name} keeps the contract across ends of episodes`, async () => {
    for (const kwargs of [{}, DRAWN[name] ?? {}]) {
      const open = () => make('HalfCheetah-v5', { maxEpisodeSteps: 30, wrappers: [{ name, kwargs }] });
      await checkEnv(open, { seed: 5 });
    }
    assert.deepEqual(live, { models: 0, data: 0 });
  });
}

test('RecordEpisodeStatistics keeps the contract, but for its clock', async () => {
  const wrappers = [{ name: 'RecordEpisodeStatistics' }];
  await checkEnv(() => make('CartPole-v1', { maxEpisodeSteps: 30, wrappers }), { seed: 5 });
});

for (const { name } of wrappers().filter(({ outlivesResets }) => outlivesResets)) {
  test(`${name} keeps the contract, but for a reset that forgets all`, async () => {
    const open = () => make('Pendulum-v1', { maxEpisodeSteps: 30, wrappers: [{ name }] });
    await checkEnv(open, { seed: 5, remembers: `statistics of ${name}` });
    await assert.rejects(checkEnv(open, { seed: 5 }), /breaks the rule reseeding/);
  });
}

for (const { name } of wrappers().filter(({ name }) => isRemembering(name))) {
  test(`${name} keeps its statistics when it is reset`, async () => {
    using env = await make('Pendulum-v1', { wrappers: [{ name }] });
    const action = Float32Array.of(1);
    const play = () => [env.reset({ seed: 1 }).observation, env.step(action), env.step(action)];
    const fresh = env.getState();
    const first = play();
    assert.notDeepEqual(play(), first);
    env.setState(fresh);
    assert.deepEqual(play(), first);
  });
}

test('what a wrapper says of itself is JSON, its defaults are accepted, and names are in order', async () => {
  const names = wrappers().map(({ name }) => name);
  assert.deepEqual(names, names.toSorted());
  for (const { name, kwargsSchema } of wrappers()) {
    assert.deepEqual(JSON.parse(JSON.stringify(kwargsSchema)), kwargsSchema, name);
    const properties = Object.entries(kwargsSchema['properties'] as Record<string, { default: unknown }>);
    const kwargs = Object.fromEntries(properties.map(([name, schema]) => [name, schema.default]));
    using env = await make('HalfCheetah-v5', { wrappers: [{ name, kwargs }] });
    assert.equal(env.spec.id, 'HalfCheetah-v5');
  }
});

const SOME = wrappers()
  .map(({ name }) => name)
  .filter((name) => !timed(name));

test('any wrappers in any order: a snapshot goes on as what it was taken of', async (context) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...SOME), { minLength: 1, maxLength: 5 }),
      fc.nat(60),
      async (names, steps) => {
        const wishes: WrapperWish[] = names.map((name) => ({ name, kwargs: { ...DRAWN[name] } }));
        // Only a bounded space can be rescaled.
        wishes.sort((a, b) => Number(b.name === 'RescaleAction') - Number(a.name === 'RescaleAction'));
        const open = () => make('Hopper-v5', { wrappers: wishes, maxEpisodeSteps: 25 });
        using env = await open();
        using other = await open();
        const rng = Pcg64.fromSeed(steps);
        env.reset({ seed: steps });
        for (let i = 0; i < steps; i++) advance(env, rng);
        const state = structuredClone(env.getState());
        other.setState(state);
        assert.deepEqual(other.getState(), state);
        const drawn = rng.getState();
        const onward = Array.from({ length: 30 }, () => advance(env, rng));
        rng.setState(drawn);
        assert.deepEqual(
          Array.from({ length: 30 }, () => advance(other, rng)),
          onward,
        );
        assert.deepEqual(other.getState(), env.getState());
        assert.deepEqual(env.getState().constructor, Object);
        for (const key of Object.keys(state)) {
          const { [key]: _, ...less } = state;
          assert.throws(() => other.setState(less), { code: 'checkpoint_incompatible' }, key);
        }
        assert.deepEqual(other.getState(), env.getState());
      },
    ),
    { seed: freshSeed(context), numRuns: 25 },
  );
  assert.deepEqual(live, { models: 0, data: 0 });
});

function advance(env: Env, rng: Pcg64): unknown {
  const result = env.step(env.actionSpace.sample(rng));
  return result.terminated || result.truncated ? [result, env.reset()] : result;
}

for (const [id, wanted, wrong, message] of [
  ['CartPole-v1', { name: 'RescaleActions' }, 'invalid_wrapper', /no wrapper "RescaleActions".*"RescaleAction"/],
  ['CartPole-v1', { name: 'RescaleAction' }, 'invalid_wrapper', /needs a Box action space.*CartPole-v1 is Discrete/],
  ['CartPole-v1', { name: 'ClipAction' }, 'invalid_wrapper', /needs a Box action space/],
  ['FrozenLake-v1', { name: 'NormalizeObservation' }, 'invalid_wrapper', /needs a Box observation space/],
  ['FrozenLake-v1', { name: 'FrameStackObservation' }, 'invalid_wrapper', /needs a Box observation space/],
  ['Taxi-v4', { name: 'ObservationNoise' }, 'invalid_wrapper', /needs a Box observation space/],
  ['Taxi-v4', { name: 'TimeAwareObservation' }, 'invalid_wrapper', /needs a Box observation space/],
  ['Pendulum-v1', { name: 'ScaleMass' }, 'invalid_wrapper', /changes a MuJoCo model, and Pendulum-v1 has none/],
  ['Pendulum-v1', { name: 'RandomPushes' }, 'invalid_wrapper', /MuJoCo/],
  ['Pendulum-v1', kwargs('NormalizeReward', { gama: 1 }), 'invalid_kwargs', /"gama" is not a.*: gamma, epsilon/],
  ['Pendulum-v1', kwargs('NormalizeReward', { gamma: 1.5 }), 'invalid_kwargs', /"gamma" is 1.5.*at most 1/],
  ['Pendulum-v1', kwargs('NormalizeObservation', { epsilon: 0 }), 'invalid_kwargs', /above 0/],
  ['Pendulum-v1', kwargs('PassiveEnvChecker', { a: 1 }), 'invalid_kwargs', /Keyword arguments.*: none/],
  ['Pendulum-v1', kwargs('FrameStackObservation', { stack_size: 0 }), 'invalid_kwargs', /at least 1/],
  ['Pendulum-v1', kwargs('FrameStackObservation', { padding_type: 'none' }), 'invalid_kwargs', /"reset", "zero" or/],
  ['Pendulum-v1', kwargs('FrameStackObservation', { padding_type: [1] }), 'invalid_kwargs', /has 1 elements, not 3/],
  ['Pendulum-v1', kwargs('FrameStackObservation', { padding_type: [0, 0, 9] }), 'invalid_kwargs', /beyond the bounds/],
  ['Pendulum-v1', kwargs('RescaleAction', { min_action: 1 }), 'invalid_kwargs', /"min_action" is 1 and "max_action" 1/],
  ['Pendulum-v1', kwargs('RescaleAction', { min_action: [0, 0] }), 'invalid_kwargs', /shape is \[2\]/],
  ['Pendulum-v1', kwargs('RescaleAction', { min_action: 'low' }), 'invalid_kwargs', /"min_action" is "low"/],
  ['Pendulum-v1', kwargs('ActionDelay', { delay: 1.5 }), 'invalid_kwargs', /must be an integer, at least 0, at most/],
  ['Pendulum-v1', kwargs('ActionDelay', { delay: [3, 1] }), 'invalid_kwargs', /"delay" is \[3,1\].*the lower first/],
  ['Pendulum-v1', kwargs('ObservationNoise', { deviation: -1 }), 'invalid_kwargs', /at least 0/],
  ['Ant-v5', kwargs('ScaleMass', { scale: 0 }), 'invalid_kwargs', /at least 0.001/],
  ['Ant-v5', kwargs('ScaleMass', { bodies: ['tail'] }), 'invalid_kwargs', /no body "tail".*world, torso/],
  ['Ant-v5', kwargs('ScaleMass', { bodies: [99] }), 'invalid_kwargs', /no body 99/],
  ['Ant-v5', kwargs('ScaleDamping', { joints: 'hip_1' }), 'invalid_kwargs', /must be a list of names/],
  ['Ant-v5', kwargs('ScaleActuators', { actuators: ['x'] }), 'invalid_kwargs', /no actuator "x"/],
  ['Ant-v5', kwargs('RandomPushes', { body: 'world' }), 'invalid_kwargs', /name another/],
  ['Ant-v5', kwargs('RandomPushes', { direction: 'z' }), 'invalid_kwargs', /one of x, xy, xyz/],
] as const) {
  test(`${id} refuses ${JSON.stringify(wanted)}, and leaves nothing behind`, async () => {
    await assert.rejects(make(id, { wrappers: [{ name: 'ActionDelay' }, wanted] }), code(wrong, message));
    assert.deepEqual(live, { models: 0, data: 0 });
  });
}

function kwargs(name: string, kwargs: Readonly<Record<string, unknown>>): WrapperWish {
  return { name, kwargs };
}

test('what has no bounds cannot be rescaled, and the remedy is the other order', async () => {
  const wrappers = [{ name: 'ClipAction' }, { name: 'RescaleAction' }];
  await assert.rejects(make('Pendulum-v1', { wrappers }), code('invalid_wrapper', /before it in the list/));
  using env = await make('Pendulum-v1', { wrappers: wrappers.toReversed() });
  assert.deepEqual(env.actionSpace.toDocument(), {
    type: 'Box',
    dtype: 'float32',
    shape: [1],
    low: '-Infinity',
    high: 'Infinity',
  });
});

test('stacks of stacks end before the memory does', async () => {
  const wrappers = Array.from({ length: 3 }, () => kwargs('FrameStackObservation', { stack_size: 100 }));
  await assert.rejects(make('Pendulum-v1', { wrappers }), code('invalid_kwargs', /at most 100000/));
});

test('time needs a limit', async () => {
  const { wrappers } = { wrappers: [{ name: 'TimeAwareObservation' }] };
  using env = await make('Pendulum-v1', { wrappers, maxEpisodeSteps: 7 });
  assert.equal((env.observationSpace.toDocument() as { high: number[] }).high[3], 7);
});

test('wrappers stand outside of the time limit and the order of calls', async () => {
  using env = await make('Pendulum-v1', { maxEpisodeSteps: 2, wrappers: [{ name: 'ActionDelay' }] });
  const action = Float32Array.of(1);
  assert.throws(() => env.step(action), { code: 'reset_required' });
  env.reset({ seed: 0 });
  const state = env.getState();
  assert.ok('env/env/elapsed_steps' in state && 'env/env/env/state' in state);
  env.step(action);
  assert.equal(env.step(action).truncated, true);
  const ended = env.getState();
  assert.throws(() => env.step(action), { code: 'reset_required' });
  assert.deepEqual(env.getState(), ended);
  env.close();
  for (const call of [() => env.reset(), () => env.step(action), () => env.getState(), () => env.setState(state)])
    assert.throws(call, { code: 'environment_gone' });
});

test('a delayed action is refused when it is sent, not when its turn comes', async () => {
  for (const [id, wrong] of [
    ['Pendulum-v1', new Float32Array(2)],
    ['Pendulum-v1', 1],
    ['CartPole-v1', 2],
  ] as const) {
    using env = await make(id, { wrappers: [kwargs('ActionDelay', { delay: 3 })] });
    env.reset({ seed: 0 });
    assert.throws(() => env.step(wrong), { code: 'action_out_of_space' });
  }
});

test('RecordEpisodeStatistics measures an episode, to the microsecond', async () => {
  let nowMs = 1000;
  const env = new RecordEpisodeStatistics(await make('CartPole-v1', { maxEpisodeSteps: 2 }), () => nowMs);
  nowMs = 2000;
  env.reset({ seed: 0 });
  nowMs = 2012.3456789;
  assert.deepEqual(env.step(0).info, {});
  assert.deepEqual(env.step(0).info, { episode: { r: 2, l: 2, t: 0.012346 } });
  env.close();
});

test('PassiveEnvChecker warns of what breaks the contract, once, and changes nothing', async () => {
  const shared = new Float32Array(3);
  const warnings: string[] = [];
  const pendulum = await make('Pendulum-v1');
  const broken = new Proxy(pendulum, {
    get(target, name) {
      if (name === 'step') {
        return (action: Float32Array) => {
          target.step(action);
          return { observation: shared.fill(9), reward: NaN, terminated: 0, truncated: false, info: {} };
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  using env = new PassiveEnvChecker(broken, (message) => warnings.push(message));
  env.reset({ seed: 0 });
  assert.deepEqual(warnings, []);
  for (let i = 0; i < 4; i++) env.step(Float32Array.of(0));
  assert.equal(warnings.length, 4);
  assert.match(warnings.join('\n'), /not in .*\n.*is NaN\n.*terminated.*\n.*share memory/);
});

test('a picture passes through every wrapper', async () => {
  using env = await make('Hopper-v5');
  env.reset({ seed: 1 });
  const expected = env.render({ width: 32, height: 32 });
  for (const { name } of wrappers()) {
    using wrapped = await make('Hopper-v5', { wrappers: [{ name }] });
    wrapped.reset({ seed: 1 });
    assert.deepEqual(wrapped.render({ width: 32, height: 32 }), expected, name);
  }
});
