// What parity with Gymnasium's recorded numbers does not show: agreement with single environments, refusals, snapshots.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Env } from '../../../src/envs/env.ts';
import { make } from '../../../src/envs/registry.ts';
import { AUTORESET_MODES } from '../../../src/envs/vector/autoreset.ts';
import { type Batch, Batches, sampleBatch } from '../../../src/envs/vector/batch.ts';
import { resetInfos, stepInfos } from '../../../src/envs/vector/infos.ts';
import { VectorEnv } from '../../../src/envs/vector/vector-env.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';

const is = (code: string, message: RegExp) => (error: unknown) => {
  assert.equal((error as { code?: string }).code, code);
  assert.match((error as Error).message, message);
  return true;
};

function actionsOf(envs: VectorEnv, rng: Pcg64): Batch {
  const batches = new Batches(envs.singleActionSpace.toDocument());
  return batches.parse(sampleBatch(envs.singleActionSpace.toDocument(), envs.numEnvs, rng), envs.numEnvs);
}

for (const id of ['CartPole-v1', 'FrozenLake-v1', 'Hopper-v5', 'Pendulum-v1', 'Taxi-v4']) {
  test(`${id} in a vector steps as it does singly`, async () => {
    using envs = await VectorEnv.make(id, { numEnvs: 3, autoresetMode: 'SameStep', maxEpisodeSteps: 20 });
    const singles: Env[] = [];
    for (let i = 0; i < 3; i++) singles.push(await make(id, { maxEpisodeSteps: 20 }));
    const observations = new Batches(envs.singleObservationSpace.toDocument());
    const actions = new Batches(envs.singleActionSpace.toDocument());
    const rng = Pcg64.fromSeed(1);
    const first = envs.reset({ seed: 5 });
    for (const [i, env] of singles.entries()) {
      assert.deepEqual(observations.read(first.observations, i), env.reset({ seed: 5 + i }).observation);
    }
    for (let step = 0; step < 60; step++) {
      const batch = actionsOf(envs, rng);
      const result = envs.step(batch);
      for (const [i, env] of singles.entries()) {
        const single = env.step(actions.read(batch, i));
        assert.equal(result.rewards[i], single.reward);
        const ended = single.terminated || single.truncated;
        if (ended) assert.deepEqual((result.infos.final_obs as readonly unknown[])[i], single.observation);
        const shown = ended ? env.reset() : single;
        assert.deepEqual(observations.read(result.observations, i), shown.observation);
      }
    }
    for (const env of singles) env.close();
  });
}

for (const mode of AUTORESET_MODES.slice(0, 2)) {
  test(`a snapshot with ${mode} goes on to the same bytes`, async () => {
    using envs = await VectorEnv.make('Hopper-v5', { numEnvs: 3, autoresetMode: mode, maxEpisodeSteps: 7 });
    const rng = Pcg64.fromSeed(2);
    const play = () => Array.from({ length: 15 }, () => envs.step(actionsOf(envs, rng)));
    envs.reset({ seed: 1 });
    play();
    const [snapshot, drawn] = [envs.getState(), rng.getState()];
    const onward = play();
    envs.setState(snapshot);
    rng.setState(drawn);
    assert.deepEqual(play(), onward);
    assert.throws(() => envs.setState({}), is('checkpoint_incompatible', /vector of 3 Hopper-v5/));
  });
}

test('with Disabled an ended episode stops every step until the caller resets it', async () => {
  using envs = await VectorEnv.make('Pendulum-v1', { numEnvs: 2, autoresetMode: 'Disabled', maxEpisodeSteps: 2 });
  const actions = Float32Array.of(0, 0);
  const start = envs.reset({ seed: 0 }).observations;
  envs.step(actions);
  const ended = envs.step(actions);
  assert.deepEqual(ended.truncations, [true, true]);
  const { observations } = envs.reset({ seed: [0, null], resetMask: [true, false] });
  assert.deepEqual(observations.slice(0, 3), start.slice(0, 3));
  assert.deepEqual(observations.slice(3), ended.observations.slice(3));
  const before = envs.getState();
  assert.throws(() => envs.step(actions), is('reset_required', /sub-environments 1\. .*reset_mask/));
  assert.deepEqual(envs.getState(), before);
  envs.reset({ resetMask: [false, true] });
  assert.deepEqual(envs.step(actions).truncations, [false, false]);
});

test('calls that do not fit are refused by what is wrong', async () => {
  using envs = await VectorEnv.make('Pendulum-v1', { numEnvs: 2 });
  assert.throws(() => envs.step(Float32Array.of(0, 0)), is('reset_required', /not been reset/));
  assert.throws(() => envs.reset({ resetMask: [true, false] }), is('invalid_request', /first reset is of all/));
  assert.throws(() => envs.reset({ seed: [1] }), is('invalid_request', /There are 1 seeds; send 2/));
  assert.throws(() => envs.reset({ seed: Number.MAX_SAFE_INTEGER }), is('invalid_request', /seed \+ i/));
  assert.throws(() => envs.reset({ seed: [1, -2] }), is('invalid_request', /is -2; send 2/));
  for (const resetMask of [[true], [false, false]]) {
    assert.throws(() => envs.reset({ resetMask }), is('invalid_request', /list of 2, true for at least one/));
  }
  await assert.rejects(VectorEnv.make('Pendulum-v1', { numEnvs: 0 }), is('invalid_request', /from 1 on/));
  const actions = new Batches(envs.singleActionSpace.toDocument());
  for (const [value, message] of [
    [[[0]], /^actions has 1 elements.*list of 2/],
    [0.5, /^actions is 0\.5.*list of 2/],
    [[[0], [0, 0]], /^actions\[1\] has 2 elements/],
    [[[0], ['NaN']], /^actions\[1\]\[0\] is NaN/],
  ] as const) {
    assert.throws(() => actions.parse(value, 2), is('action_out_of_space', message));
  }
});

test('infos are lists with masks, and what is missing is zero', () => {
  const rows = [null, { x: 1, who: 'a', at: [1, 2], ok: true, deep: { r: 2 } }, { y: 3 }];
  assert.deepEqual(resetInfos(rows), {
    x: [0, 1, 0],
    _x: [false, true, false],
    who: [null, 'a', null],
    _who: [false, true, false],
    at: [
      [0, 0],
      [1, 2],
      [0, 0],
    ],
    _at: [false, true, false],
    ok: [false, true, false],
    _ok: [false, true, false],
    deep: { r: [0, 2, 0], _r: [false, true, false] },
    _deep: [false, true, false],
    y: [0, 0, 3],
    _y: [false, false, true],
  });
  const finals = [{ index: 1, observation: Float32Array.of(4), info: { x: 5 } }];
  assert.deepEqual(stepInfos([{}, { x: 1 }], finals), {
    final_obs: [null, Float32Array.of(4)],
    _final_obs: [false, true],
    final_info: { x: [0, 5], _x: [false, true] },
    _final_info: [false, true],
    x: [0, 1],
    _x: [false, true],
  });
});

// Gymnasium's: `action_space.seed(5)` and two samples of `SyncVectorEnv([make] * 3)`.
test('batches are drawn as Gymnasium draws from the batched space', async () => {
  const twice = async (id: string) => {
    using env = await make(id);
    const rng = Pcg64.fromSeed(5);
    return [1, 2].map(() => sampleBatch(env.actionSpace.toDocument(), 3, rng));
  };
  assert.deepEqual(await twice('CartPole-v1'), [
    [1, 1, 1],
    [0, 0, 0],
  ]);
  assert.deepEqual(await twice('Pendulum-v1'), [
    [[1.2200117111206055], [1.2317631244659424], [0.061302244663238525]],
    [[-0.8567944765090942], [-1.7842772006988525], [-0.46652448177337646]],
  ]);
});
