// When a learner updates what: schedules, delayed policies and targets, each followed update by update with an Adam written by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Learner } from '../../src/agent/algorithm.ts';
import type { Tensors } from '../../src/math/tensor.ts';
import { assertClose } from '../compute/support.ts';
import { drift, learnerOf, starting, stepAll } from './support/learners.ts';

/** The states before the first update and after each of `count`. */
async function statesOf(learner: Learner, count: number): Promise<Tensors[]> {
  const world = drift();
  const states: Tensors[] = [];
  while (states.length <= count) {
    const before = learner.getState();
    await stepAll(learner, [world]);
    const after = learner.getState();
    if (after['updates']?.data[0] === before['updates']?.data[0]) continue;
    if (states.length === 0) states.push(before);
    states.push(after);
  }
  return states;
}

const dataOf = (state: Tensors | undefined, name: string): Float32Array => state?.[name]?.data as Float32Array;

/**
 * Adam (arXiv:1412.6980, algorithm 1) in float64 through the updates `moves`, at the rate of each, against the parameter `name`. The
 * gradients are read off the moments: m holds Σ β₁ᵏ·g, so g = m − β₁·(m before).
 */
function assertAdam(
  states: readonly Tensors[],
  name: string,
  moves: readonly number[],
  rate: (update: number) => number,
): void {
  const size = dataOf(states[0], name).length;
  const [m, v] = [new Float64Array(size), new Float64Array(size)];
  for (const [index, update] of moves.entries()) {
    const [before, after] = [states[update - 1], states[update]];
    const expected = Array.from(dataOf(before, name), (parameter, i) => {
      const [held, holds] = [dataOf(before, `adam/m/${name}`)[i], dataOf(after, `adam/m/${name}`)[i]] as [
        number,
        number,
      ];
      const gradient = holds - 0.9 * held;
      m[i] = 0.9 * (m[i] as number) + 0.1 * gradient;
      v[i] = 0.999 * (v[i] as number) + 0.001 * gradient ** 2;
      const t = index + 1;
      const [corrected, spread] = [(m[i] as number) / (1 - 0.9 ** t), Math.sqrt((v[i] as number) / (1 - 0.999 ** t))];
      return parameter - (rate(update - 1) * corrected) / (spread + 1e-8);
    });
    // Of a step of 1e-2 and parameters below 1, float32 leaves 1e-6; one count or one update off is 1e-4 and more.
    assertClose(dataOf(after, name), expected, { absolute: 3e-6, relative: 0 }, `${name}, update ${update}`);
    assertClose(
      dataOf(after, `adam/v/${name}`),
      v.map((value) => value / 0.001),
      { absolute: 1e-12, relative: 1e-4 },
      `v of ${name}`,
    );
  }
}

/** Lines by hand: 1e-2 to 2e-3 between updates 2 and 8, then level. */
const SCHEDULE = [
  [2, 1e-2],
  [8, 2e-3],
];
const scheduled = (update: number): number => 1e-2 - (8e-3 * Math.min(6, Math.max(0, update - 2))) / 6;

test('policy and temperature move in every third update alone, by Adam counted in their own steps, at the rate of then', async () => {
  const rates = { actor_learning_rate: SCHEDULE, temperature_learning_rate: 5e-3, critic_learning_rate: 7e-3 };
  const learner = await learnerOf(starting(31, { policy_delay: 3, ...rates }));
  const count = 12;
  const states = await statesOf(learner, count);
  const mine = Object.keys(states[0] as Tensors).filter((name) => /(^|\/)(actor\/|log_temperature)/.test(name));
  assert.equal(mine.length, 3 * (6 + 1), 'six parameters of the actor, log α, and their moments');
  for (let update = 1; update <= count; update += 1) {
    for (const name of mine) {
      const [before, after] = [dataOf(states[update - 1], name), dataOf(states[update], name)].map((data) =>
        Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      ) as [Buffer, Buffer];
      assert.equal(before.equals(after), update % 3 !== 0, `${name}, update ${update}`);
    }
  }
  for (const name of ['actor/0/kernel', 'actor/1/bias', 'actor/2/kernel'])
    assertAdam(states, name, [3, 6, 9, 12], scheduled);
  assertAdam(states, 'log_temperature', [3, 6, 9, 12], () => 5e-3);
  const every = Array.from({ length: count }, (_, index) => index + 1);
  for (const name of ['critic1/0/kernel', 'critic2/2/bias']) assertAdam(states, name, every, () => 7e-3);
  await learner.dispose();
});

test('a schedule of learning_rate is that of every network without its own, and the value network goes with the critics', async () => {
  const learner = await learnerOf(starting(32, { variant: 'v1', learning_rate: SCHEDULE, actor_learning_rate: 1e-3 }));
  const states = await statesOf(learner, 10);
  const every = Array.from({ length: 10 }, (_, index) => index + 1);
  for (const name of ['critic1/0/kernel', 'value/0/kernel', 'value/2/bias']) assertAdam(states, name, every, scheduled);
  assertAdam(states, 'actor/0/kernel', every, () => 1e-3);
  await learner.dispose();
});

for (const variant of ['v1', 'v2']) {
  test(`${variant}: hard targets are copies, to the byte, in every fourth update, and untouched between`, async () => {
    const given = { variant, target_update: 'hard', target_update_interval: 4, target_smoothing: 0.3 };
    const learner = await learnerOf(starting(33, given));
    const states = await statesOf(learner, 9);
    const targets = Object.keys(states[0] as Tensors).filter((name) => /^(target\d|value_target)\//.test(name));
    assert.equal(targets.length, variant === 'v1' ? 6 : 12);
    for (let update = 1; update <= 9; update += 1) {
      for (const name of targets) {
        const online = name.replace('value_target', 'value').replace('target', 'critic');
        const now = dataOf(states[update], name);
        const isCopy = update % 4 === 0;
        assert.deepEqual(
          now,
          dataOf(isCopy ? states[update] : states[update - 1], isCopy ? online : name),
          `${name}, ${update}`,
        );
        assert.notDeepEqual(dataOf(states[update], online), dataOf(states[update - 1], online));
      }
    }
    await learner.dispose();
  });

  test(`${variant}: soft targets take τ of the way in every second update, and none between`, async () => {
    const learner = await learnerOf(starting(34, { variant, target_smoothing: 0.3, target_update_interval: 2 }));
    const states = await statesOf(learner, 6);
    const [target, online] =
      variant === 'v1' ? ['value_target/0/kernel', 'value/0/kernel'] : ['target2/0/kernel', 'critic2/0/kernel'];
    for (let update = 1; update <= 6; update += 1) {
      const [before, after] = [dataOf(states[update - 1], target), dataOf(states[update], target)];
      if (update % 2 === 1) assert.deepEqual(after, before);
      else {
        const expected = before.map((value, i) => 0.7 * value + 0.3 * (dataOf(states[update], online)[i] as number));
        assertClose(after, expected, { absolute: 1e-7, relative: 0 }, `${target}, update ${update}`);
      }
    }
    await learner.dispose();
  });
}

test('gradients are shortened to the norm that was asked for, all critics as one, and the norms before that are told', async () => {
  const [short, whole] = await Promise.all([
    learnerOf(starting(35, { max_gradient_norm: 0.01 })),
    learnerOf(starting(35)),
  ]);
  for (const learner of [short, whole]) await statesOf(learner, 1);
  const [clipped, free] = [short.getState(), whole.getState()];
  const [said, saidFree] = [short.takeMetrics(), whole.takeMetrics()];
  for (const [network, prefix] of [
    ['critic', 'critic'],
    ['actor', 'actor/'],
  ] as const) {
    const gradient = (state: Tensors): number[] =>
      Object.entries(state).flatMap(([name, { data }]) =>
        name.startsWith(`adam/m/${prefix}`) ? Array.from(data as Float32Array) : [],
      );
    const norm = Math.hypot(...gradient(free));
    assert.ok(norm > 0.02, `${network} has a gradient to shorten: ${norm}`);
    for (const metrics of [said, saidFree])
      assertClose([metrics[`gradient_norm/${network}`] as number], [norm], { absolute: 0, relative: 1e-5 }, network);
    // The actor's gradient is of critics that were moved by a step of another length, but Adam's first step has but one length.
    assertClose(
      gradient(clipped),
      gradient(free).map((g) => (g * 0.01) / norm),
      { absolute: 1e-7, relative: 1e-3 },
      network,
    );
    assertClose([Math.hypot(...gradient(clipped))], [0.01], { absolute: 0, relative: 2e-4 }, `norm of ${network}`);
  }
  await Promise.all([short.dispose(), whole.dispose()]);
});
