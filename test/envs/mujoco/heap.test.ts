// What happens to environments while MuJoCo's heap grows, when it is full, and afterwards. In this order and in a process of
// its own: a heap that has grown stays as large.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Env } from '../../../src/envs/env.ts';
import { HALF_CHEETAH_MJCF } from '../../../src/envs/mujoco/half-cheetah-model.ts';
import { live } from '../../../src/envs/mujoco/heap.ts';
import { Simulation } from '../../../src/envs/mujoco/simulation.ts';
import { make } from '../../../src/envs/registry.ts';
import type { AutoresetMode } from '../../../src/envs/vector/autoreset.ts';
import { VectorEnv } from '../../../src/envs/vector/vector-env.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { closeAll, cycle, fill, PERTURBED, ROBOTS, room, SMALL_PICTURE } from './heap.ts';

/** Of each robot; test/slow has thousands. */
const CYCLES = 3;

/** Everything that is seen of one environment, one call at a time. */
async function* callsOn(id: string, perturbed: boolean): AsyncGenerator<unknown> {
  using env = await make(id, { wrappers: perturbed ? PERTURBED : [], maxEpisodeSteps: 3 });
  const rng = Pcg64.fromSeed(8);
  for (const seed of [1, undefined]) {
    yield env.reset(seed === undefined ? {} : { seed });
    for (let i = 0; i < 3; i++) yield env.step(env.actionSpace.sample(rng));
    yield env.render(SMALL_PICTURE);
    const snapshot = env.getState();
    yield snapshot;
    env.setState(snapshot);
    yield env.getState();
  }
}

/** The same of three that step together. */
async function* callsOnThree(id: string, autoresetMode: AutoresetMode): AsyncGenerator<unknown> {
  const options = { numEnvs: 3, autoresetMode, wrappers: PERTURBED, maxEpisodeSteps: 2 };
  using envs = await VectorEnv.make(id, options);
  const rng = Pcg64.fromSeed(8);
  yield envs.reset({ seed: 1 });
  for (let i = 0; i < 6; i++) {
    const actions = Array.from({ length: 3 }, () => Array.from(envs.singleActionSpace.sample(rng) as Float32Array));
    yield envs.step(Float32Array.from(actions.flat()));
    yield envs.getState();
  }
}

/** What all of them show in turns, with `between` before each round of calls. */
async function seen(between: () => Promise<void>): Promise<unknown[]> {
  const all = [
    ...ROBOTS.flatMap((id) => [callsOn(id, false), callsOn(id, true)]),
    ...(['NextStep', 'SameStep'] as const).map((mode) => callsOnThree('Hopper-v5', mode)),
  ];
  const rounds: unknown[] = [];
  for (;;) {
    await between();
    const results = await Promise.all(all.map((calls) => calls.next()));
    if (results.every(({ done }) => done)) return rounds;
    rounds.push(results.map(({ value }) => value));
  }
}

test('every environment shows the same bytes while others make the heap grow before each call', async () => {
  const undisturbed = await seen(async () => undefined);
  const watch = await Simulation.create(HALF_CHEETAH_MJCF);
  const crowd: Env[] = [];
  let growths = 0;
  const disturbed = await seen(async () => {
    const view = watch.qpos;
    // A view of a heap that has grown since is detached.
    while (view.length > 0) crowd.push(await make('Humanoid-v5'));
    growths += 1;
  });
  assert.ok(growths > 14, `The heap grew ${growths} times.`);
  assert.deepEqual(disturbed, undisturbed);
  closeAll(crowd);
  watch.close();
  assert.deepEqual(live, { models: 0, data: 0 });
});

test('when MuJoCo’s memory is full, no kind can be made, the others go on, and closing some makes room', async (t) => {
  const play = async (between: () => Promise<void>) => {
    const calls = [callsOn('HalfCheetah-v5', true), callsOn('Ant-v5', false)];
    const first = await Promise.all(calls.map((call) => call.next()));
    await between();
    const rest = [];
    for (let i = 0; i < 3; i++) rest.push(await Promise.all(calls.map((call) => call.next())));
    for (const call of calls) await call.return(undefined);
    return [first, rest];
  };
  const undisturbed = await play(async () => undefined);

  const crowd: Env[] = [];
  t.after(() => closeAll(crowd));
  const disturbed = await play(async () => {
    const begun = performance.now();
    crowd.push(...(await fill('Humanoid-v5')), ...(await fill('InvertedPendulum-v5')));
    t.diagnostic(`${crowd.length} environments fill the heap in ${(performance.now() - begun).toFixed(0)} ms`);
    const full = { ...live };
    const refusal = { code: 'capacity_reached' };
    for (const id of ROBOTS) {
      await assert.rejects(make(id), refusal);
      await assert.rejects(make(id, { wrappers: PERTURBED }), refusal);
      await assert.rejects(VectorEnv.make(id, { numEnvs: 3 }), refusal);
    }
    assert.deepEqual(live, full);
  });
  assert.deepEqual(disturbed, undisturbed);

  // A first picture takes memory too, a second does not.
  crowd.push(...(await fill('InvertedPendulum-v5')));
  const [humanoid] = crowd as [Env];
  humanoid.reset({ seed: 1 });
  assert.throws(() => humanoid.render(SMALL_PICTURE), { code: 'capacity_reached' });
  // A few: between neighbours that stay, a gap can be some bytes too short.
  closeAll(crowd.splice(1, 4));
  const picture = humanoid.render(SMALL_PICTURE);
  crowd.push(...(await fill('InvertedPendulum-v5')));
  assert.deepEqual(humanoid.render(SMALL_PICTURE), picture);
  closeAll(crowd);
  assert.deepEqual(live, { models: 0, data: 0 });
});

test('making, using, refusing and closing every robot leaves the heap as it was', async (t) => {
  const before = await room();
  for (const id of ROBOTS) for (let seed = 0; seed < CYCLES; seed++) await cycle(id, seed);
  assert.deepEqual(live, { models: 0, data: 0 });
  const after = await room();
  t.diagnostic(`room for ${before} before, for ${after} after`);
  assert.equal(after, before);
});
