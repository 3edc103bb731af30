// A learner of several environments: what belongs to which lane, when updates come, and a resume in the middle of everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Learner } from '../../src/agent/algorithm.ts';
import { sac } from '../../src/agent/algorithms/sac/sac.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import { DomainError } from '../../src/errors.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import type { Tensors } from '../../src/math/tensor.ts';
import { act, copied, drift, learnerOf, starting, stepAll } from './support/learners.ts';

test('each lane gets the action for its own observation', async () => {
  // A temperature so small and a world so quiet matter not: the spread of the policy is taken away by drawing it twice.
  const start = starting(41, { learning_starts: 0 }, { lanes: 3 });
  const observations = Float64Array.of(0.1, 0.2, -0.7, 0.4, 0.9, -0.3);
  const acting = async (seen: Float64Array): Promise<number[]> => {
    const learner = await learnerOf(start);
    const actions = Array.from(await learner.explore(seen));
    await learner.dispose();
    return actions;
  };
  const actions = await acting(observations);
  assert.equal(actions.length, 6);
  // The same draws with one observation moved: only the row of its lane moves.
  for (const lane of [0, 1, 2]) {
    const moved = observations.slice();
    moved[2 * lane] = (moved[2 * lane] as number) + 0.5;
    const others = await acting(moved);
    const changed = [0, 1, 2].filter((row) => others[2 * row] !== actions[2 * row]);
    assert.deepEqual(changed, [lane]);
  }
});

test('warm-up draws a row for each lane', async () => {
  const learner = await learnerOf(starting(42, {}, { lanes: 3 }));
  const actions = Array.from(await learner.explore(new Float64Array(6)));
  assert.equal(new Set(actions).size, 6);
  assert.ok(actions.every((action) => Math.abs(action) <= 1));
  await learner.dispose();
});

const CADENCES = [
  // Timesteps after each step of three: 3, 6, 9, 12, 15, 18, 21, 24. Multiples of 4 are passed at 6 (4), 9 (8), 12, 18 (16), 21 (20), 24.
  { given: { learning_starts: 0, train_frequency: 4, gradient_steps: 1 }, due: [0, 1, 1, 1, 0, 1, 1, 1] },
  { given: { learning_starts: 0, train_frequency: 4, gradient_steps: -1 }, due: [0, 4, 4, 4, 0, 4, 4, 4] },
  // A step of three passes three multiples of 1, which is one round.
  { given: { learning_starts: 0, train_frequency: 1, gradient_steps: 2 }, due: [2, 2, 2, 2, 2, 2, 2, 2] },
  { given: { learning_starts: 0, train_frequency: 1, gradient_steps: -1 }, due: [3, 3, 3, 3, 3, 3, 3, 3] },
  // Multiples of 2: one at 3, two at 6 (4 and 6), one at 9 …: none is lost.
  { given: { learning_starts: 0, train_frequency: 2, gradient_steps: -1 }, due: [2, 4, 2, 4, 2, 4, 2, 4] },
  { given: { learning_starts: 10, train_frequency: 1, gradient_steps: 1 }, due: [0, 0, 0, 1, 1, 1, 1, 1] },
] as const;

for (const { given, due } of CADENCES) {
  test(`three lanes, ${JSON.stringify(given)}: updates due are ${due}`, async () => {
    const learner = await learnerOf(starting(43, given, { lanes: 3 }));
    const worlds = [0, 1, 2].map((lane) => drift(lane));
    const seen: number[] = [];
    for (let step = 0; step < due.length; step += 1) {
      learner.observe(await act(learner, worlds));
      seen.push(learner.updatesDue());
      while (learner.updatesDue() > 0) await learner.update();
    }
    assert.deepEqual(seen, due);
    assert.equal(
      learner.getState()['updates']?.data[0],
      due.reduce<number>((sum, one) => sum + one, 0),
    );
    await learner.dispose();
  });
}

test('replay holds the transitions of all lanes, and an update learns from each of them', async () => {
  // Rewards by lane; a critic of γ = 0 that sees the lane in its observation learns each of them.
  const given = {
    learning_rate: 1e-2,
    discount: 0,
    temperature: 0,
    learning_starts: 0,
    batch_size: 64,
    gradient_steps: 3,
  };
  const learner = await learnerOf(starting(44, given, { lanes: 3 }));
  const worlds = [-1, 0, 1].map((lane) => ({
    observe: () => Float64Array.of(lane, 0),
    step: () => ({ reward: 2 * lane, nextObservation: Float64Array.of(lane, 0), terminated: false, truncated: false }),
  }));
  for (let step = 0; step < 120; step += 1) await stepAll(learner, worlds);
  assert.equal(learner.takeMetrics()['replay_size'], 360);
  for (let step = 0; step < 20; step += 1) await stepAll(learner, worlds);
  const { 'loss/critic': loss } = learner.takeMetrics();
  // Were lanes mixed up, no critic could tell their rewards of −2, 0 and 2 apart: the loss of the mean is 8/3.
  assert.ok((loss as number) < 0.2, `${loss}`);
  await learner.dispose();
});

const DELAYED = { policy_delay: 3, target_update: 'hard', target_update_interval: 4 };
const POINTS = [
  [0, 1e-2],
  [30, 1e-3],
];
const EVERYTHING = {
  v2: {
    n_steps: 3,
    observation_normalization: true,
    reward_normalization: 'automatic',
    exploration_noise: 'ornstein_uhlenbeck',
    exploration_noise_std: 0.5,
    learning_rate: POINTS,
    // Steps between updates: whatever an update refreshes must be as new after a resume as without one.
    train_frequency: 12,
    gradient_steps: 2,
    replay_capacity: 90,
    ...DELAYED,
  },
  v1: {
    variant: 'v1',
    n_steps: 3,
    observation_normalization: true,
    reward_normalization: 'return_std',
    exploration_noise: 'gaussian',
    actor_learning_rate: POINTS,
    layer_norm: 'all',
    max_gradient_norm: 0.5,
    train_frequency: 8,
    gradient_steps: -1,
    ...DELAYED,
  },
  'defaults of v2': {},
} as const;

for (const [what, given] of Object.entries(EVERYTHING)) {
  for (const stepsBefore of [13, 29]) {
    test(`${what}: four lanes in mid-episode, saved after ${stepsBefore} steps, go on byte for byte`, async () => {
      const start = starting(45, given, { lanes: 4 });
      const worlds = [0, 1, 2, 3].map((lane) => drift(lane / 10, 7 + 3 * lane));
      const whole = await learnerOf(start);
      for (let step = 0; step < stepsBefore; step += 1) await stepAll(whole, worlds);
      const resumed = await learnerOf({ ...start, seed: 999 }, structuredClone(whole.getState()));
      resumed.setExperience(copied(whole.getExperience()));
      assert.deepEqual(everythingOf(resumed), everythingOf(whole), 'what was put back');
      for (let step = 0; step < 25; step += 1) {
        const observations = Float64Array.from(worlds.flatMap((world) => [...world.observe()]));
        const again = (await resumed.explore(observations)).slice();
        const transitions = await act(whole, worlds);
        assert.deepEqual(
          [...again],
          transitions.flatMap(({ action }) => [...action]),
          `actions of step ${step}`,
        );
        for (const learner of [whole, resumed]) {
          learner.observe(transitions);
          while (learner.updatesDue() > 0) await learner.update();
        }
      }
      assert.deepEqual(everythingOf(resumed), everythingOf(whole), 'what came of it');
      assert.deepEqual(resumed.takeMetrics(), whole.takeMetrics(), 'means over updates before and after the resume');
      assert.ok((whole.getState()['updates']?.data[0] as number) > 5);
      await Promise.all([whole.dispose(), resumed.dispose()]);
    });
  }
}

const everythingOf = (learner: Learner): Tensors => ({
  ...learner.getState(),
  ...copied(learner.getExperience()),
  ...Object.fromEntries(Object.entries(learner.policyState()).map(([name, tensor]) => [`policy/${name}`, tensor])),
});

test('a run with another number of environments takes over what was learnt', async () => {
  const given = { ...EVERYTHING.v2, learning_starts: 0 };
  const three = await learnerOf(starting(46, given, { lanes: 3 }));
  const worlds = [0, 1, 2].map((lane) => drift(lane / 10));
  for (let step = 0; step < 20; step += 1) await stepAll(three, worlds);
  for (const lanes of [1, 2, 5]) {
    const other = await learnerOf(starting(46, given, { lanes }), three.getState());
    other.setExperience(copied(three.getExperience()));
    for (let step = 0; step < 30; step += 1)
      await stepAll(
        other,
        Array.from({ length: lanes }, (_, lane) => drift(lane / 10)),
      );
    const { reward_divisor: divisor } = other.takeMetrics();
    assert.ok(Number.isFinite(divisor));
    await other.dispose();
  }
  await three.dispose();
});

test('the acting policy sees through the newest statistics, though no update came since', async () => {
  const given = { observation_normalization: true, learning_starts: 0, train_frequency: 1000 };
  const start = starting(48, given);
  const learner = await learnerOf(start);
  const observation = Float64Array.of(5, -3);
  // The policy's own spread is the same for both: noise of the same stream state.
  const seeing = async (): Promise<number[]> => {
    const saved = copied(learner.getExperience());
    const actions = Array.from(await learner.explore(observation));
    learner.setExperience(saved);
    return actions;
  };
  const before = await seeing();
  assert.deepEqual(await seeing(), before);
  learner.observe([
    {
      observation: Float64Array.of(50, 20),
      action: new Float32Array(2),
      reward: 0,
      nextObservation: observation,
      terminated: false,
      truncated: false,
    },
  ]);
  assert.notDeepEqual(await seeing(), before);
  await learner.dispose();
});

test('two agents of one process draw from streams of their own', async () => {
  const alone = await learnerOf(starting(49, { learning_starts: 5 }));
  const world = drift();
  for (let step = 0; step < 40; step += 1) await stepAll(alone, [world]);
  const [first, second] = [
    await learnerOf(starting(49, { learning_starts: 5 })),
    await learnerOf(starting(50, { learning_starts: 5 })),
  ];
  const [one, two] = [drift(), drift()];
  for (let step = 0; step < 40; step += 1) {
    await stepAll(first, [one]);
    await stepAll(second, [two]);
    await stepAll(second, [two]);
  }
  assert.deepEqual(everythingOf(first), everythingOf(alone));
  await Promise.all([alone.dispose(), first.dispose(), second.dispose()]);
});

for (const variant of ['v1', 'v2']) {
  test(`${variant}: critics start different from each other, and targets as what they follow`, () => {
    const { hyperparameters, spaces } = starting(51, { variant, n_critics: 4, layer_norm: 'all' });
    const state = sac.initialize(hyperparameters, spaces, Pcg64.fromSeed(51));
    const kernels = [1, 2, 3, 4].map((i) => String(state[`critic${i}/0/kernel`]?.data));
    assert.equal(new Set(kernels).size, 4);
    const followed =
      variant === 'v1' ? [['value_target', 'value']] : [1, 2, 3, 4].map((i) => [`target${i}`, `critic${i}`]);
    for (const [target, online] of followed as [string, string][]) {
      const names = Object.keys(state).filter((name) => name.startsWith(`${target}/`));
      assert.equal(names.length, 10);
      for (const name of names) {
        assert.deepEqual(state[name], state[name.replace(target, online)]);
        assert.notEqual(state[name]?.data, state[name.replace(target, online)]?.data);
      }
    }
  });
}

test('a temperature that runs away stops the learner by name, value, update and remedy', async () => {
  // An entropy that no policy on [−1, 1] has: α grows without an end.
  const given = { target_entropy: 1e6, temperature_learning_rate: 1, learning_starts: 0, learning_rate: 1e-4 };
  const learner = await learnerOf(starting(52, given));
  const world = drift();
  await assert.rejects(
    async () => {
      for (let step = 0; step < 100; step += 1) await stepAll(learner, [world]);
    },
    (thrown: unknown) => {
      assert.ok(thrown instanceof DomainError && thrown.code === 'diverged', String(thrown));
      assert.match(
        thrown.message,
        /"alpha" reached \d\.\d+e\+\d+ in update 1\d, beyond 1000000.*temperature_learning_rate/,
      );
      return true;
    },
  );
  await learner.dispose();
});

for (const [what, reward, nextObservation, field] of [
  ['a reward of NaN', Number.NaN, [0, 0], 'loss/critic'],
  ['an infinite reward', Number.POSITIVE_INFINITY, [0, 0], 'loss/critic'],
  ['an observation of NaN', 0, [Number.NaN, 0], 'loss/critic'],
] as const) {
  for (const variant of ['v1', 'v2']) {
    test(`${variant}: ${what} stops the learner and names the loss and the update`, async () => {
      const learner = await learnerOf(starting(53, { variant, learning_starts: 1, batch_size: 4 }));
      const seen = { observation: new Float64Array(2), action: new Float32Array(2) };
      learner.observe([
        { ...seen, reward, nextObservation: Float64Array.from(nextObservation), terminated: false, truncated: false },
      ]);
      await assert.rejects(learner.update(), (thrown: unknown) => {
        assert.ok(thrown instanceof DomainError && thrown.code === 'non_finite', String(thrown));
        assert.ok(thrown.message.includes(`"${field}"`) && thrown.message.includes('in update 1'), thrown.message);
        return true;
      });
      await learner.dispose();
    });
  }
}

for (const more of [{}, { observation_normalization: true, layer_norm: 'all', activation: 'silu' }]) {
  test(`what a learner explores with is its policy as it is published, ${JSON.stringify(more)}`, async () => {
    const start = starting(54, { learning_starts: 0, ...more }, { lanes: 2 });
    const learner = await learnerOf(start);
    const worlds = [drift(), drift(0.3)];
    for (let step = 0; step < 12; step += 1) await stepAll(learner, worlds);
    const policy = await sac.createPolicy({ ...start, engine: onnxCpuEngine, state: learner.policyState() });
    const observations = Float64Array.of(0.3, -0.2, 0.9, 0.1);
    const stream = Pcg64.fromState(
      Object.fromEntries(
        Object.entries(copied(learner.getExperience())).flatMap(([name, tensor]) =>
          name.startsWith('rng/exploration/') ? [[name.slice('rng/exploration/'.length), tensor]] : [],
        ),
      ),
    );
    const published = await policy.act(observations, { deterministic: false, rng: stream });
    assert.deepEqual([...(await learner.explore(observations))], [...published]);
    await Promise.all([learner.dispose(), policy.dispose()]);
  });
}
