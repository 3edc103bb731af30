// SAC end to end on problems whose answer is known, and its promises about seeds, resumes and failures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { AgentSpaces, Experience, Hyperparameters, Learner, Transition } from '../../src/agent/algorithm.ts';
import { sac } from '../../src/agent/algorithms/sac/sac.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import { DomainError } from '../../src/errors.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import type { Tensors } from '../../src/math/tensor.ts';
import { spacesOf } from '../support/sac-graph.ts';

const SMALL = { hidden_sizes: [32, 32], batch_size: 64, learning_starts: 64, replay_capacity: 5000 };

interface Start {
  readonly hyperparameters: Hyperparameters;
  readonly spaces: AgentSpaces;
  readonly seed: number;
}

async function learnerOf({ hyperparameters, spaces, seed }: Start, state?: Tensors): Promise<Learner> {
  const rng = Pcg64.fromSeed(seed);
  const fresh = sac.initialize(hyperparameters, spaces, rng.split());
  return sac.createLearner({
    hyperparameters,
    spaces,
    engine: onnxCpuEngine,
    threads: 1,
    numEnvs: 1,
    rng,
    state: state ?? fresh,
  });
}

/** Acts, observes and learns for `steps` steps of an environment given as a function of the action. */
async function learn(learner: Learner, steps: number, world: World): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    const observation = world.observe();
    const action = await learner.explore(observation);
    learner.observe([{ observation, action, ...world.step(action) }]);
    for (let due = learner.updatesDue(); due > 0; due -= 1) await learner.update();
  }
}

/** By name, as a checkpoint would give it back. */
const copied = ({ tensors, segments }: Experience): Tensors =>
  structuredClone({ ...tensors, ...Object.fromEntries(segments.map(({ name, tensor }) => [name, tensor])) });

interface World {
  observe(): Float64Array;
  step(action: Float32Array): Omit<Transition, 'observation' | 'action'>;
}

/** One-step episodes: an observation, a reward, the end. */
function bandit(rng: Pcg64, reward: (observation: number, action: number) => number): World {
  let seen = Float64Array.of(0);
  return {
    observe: () => (seen = Float64Array.of(rng.uniform(-0.8, 0.8))),
    step: ([action = 0]) => ({
      reward: reward(seen[0] as number, action),
      nextObservation: Float64Array.of(0),
      terminated: true,
      truncated: false,
    }),
  };
}

const actionsFor = async (
  learner: Learner,
  start: Start,
  observations: Float64Array,
  rng: Pcg64 | null,
): Promise<Float32Array> => {
  const policy = await sac.createPolicy({ ...start, engine: onnxCpuEngine, state: learner.policyState() });
  const actions = await policy.act(
    observations,
    rng === null ? { deterministic: true } : { deterministic: false, rng },
  );
  await policy.dispose();
  return actions;
};

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

test('a bandit with reward −5(a − 0.4)² is played as exp(r/α) says', async () => {
  // π*(a) ∝ exp(−5(a − 0.4)²/0.2): mean 0.4, standard deviation √(0.2/10) = 0.141, the ends of (−1, 1) more than 4 of them away.
  const start = {
    hyperparameters: sac.resolve({ ...SMALL, learning_rate: 3e-3, temperature: 0.2 }, 'none'),
    spaces: spacesOf(1, 1),
    seed: 1,
  };
  const learner = await learnerOf(start);
  await learn(
    learner,
    800,
    bandit(Pcg64.fromSeed(2), (_, action) => -5 * (action - 0.4) ** 2),
  );
  const actions = await actionsFor(learner, start, new Float64Array(2000), Pcg64.fromSeed(3));
  const centre = mean(actions);
  const spread = Math.sqrt(mean(actions.map((action) => (action - centre) ** 2)));
  assert.ok(Math.abs(centre - 0.4) < 0.08, `mean ${centre}`);
  assert.ok(spread > 0.09 && spread < 0.2, `standard deviation ${spread}`);
  await learner.dispose();
});

test('an environment that rewards repeating the observation is learnt with a learnt temperature', async () => {
  const start = {
    hyperparameters: sac.resolve({ ...SMALL, learning_rate: 3e-3, initial_temperature: 0.1 }, 'none'),
    spaces: spacesOf(1, 1),
    seed: 4,
  };
  const learner = await learnerOf(start);
  await learn(
    learner,
    900,
    bandit(Pcg64.fromSeed(5), (observation, action) => -((action - observation) ** 2)),
  );
  const observations = Float64Array.from({ length: 17 }, (_, index) => -0.8 + 0.1 * index);
  const actions = await actionsFor(learner, start, observations, null);
  const error = mean(actions.map((action, index) => Math.abs(action - (observations[index] as number))));
  assert.ok(error < 0.12, `mean error ${error}`);
  const metrics = learner.takeMetrics();
  assert.ok((metrics['alpha'] as number) < 0.1, 'the temperature falls once the policy is more random than its target');
  assert.deepEqual(learner.takeMetrics(), {});
  await learner.dispose();
});

for (const [ending, value] of [
  ['terminated', 1],
  ['truncated', 2],
] as const) {
  test(`a reward of 1 a step with γ = ½ is worth ${value} where every episode is ${ending} after one step`, async () => {
    const hyperparameters = sac.resolve(
      {
        ...SMALL,
        learning_rate: 1e-2,
        discount: 0.5,
        temperature: 0,
        target_smoothing: 0.1,
      },
      'none',
    );
    const learner = await learnerOf({ hyperparameters, spaces: spacesOf(1, 1), seed: 6 });
    const end = {
      nextObservation: Float64Array.of(0.3),
      terminated: ending === 'terminated',
      truncated: ending === 'truncated',
    };
    await learn(learner, 350, { observe: () => Float64Array.of(0.3), step: () => ({ reward: 1, ...end }) });
    learner.takeMetrics();
    await learn(learner, 10, { observe: () => Float64Array.of(0.3), step: () => ({ reward: 1, ...end }) });
    const { q } = learner.takeMetrics();
    assert.ok(Math.abs((q as number) - value) < 0.05, `Q ${q}`);
    await learner.dispose();
  });
}

/** A world without an end whose states depend on the actions. */
function drift(): World {
  let [x, y] = [0.1, -0.2];
  let clock = 0;
  return {
    observe: () => Float64Array.of(x, y),
    step: ([a = 0, b = 0]) => {
      [x, y] = [Math.sin(x + a), Math.cos(y - b)];
      clock += 1;
      return {
        reward: x - y,
        nextObservation: Float64Array.of(x, y),
        terminated: clock % 11 === 0,
        truncated: clock % 17 === 0,
      };
    },
  };
}

const drifting = (seed: number, more: Record<string, unknown> = {}): Start => ({
  hyperparameters: sac.resolve({ ...SMALL, ...more }, 'none'),
  spaces: spacesOf(2, 2),
  seed,
});

test('the same seed gives the same bytes, another seed others', async () => {
  const run = async (seed: number): Promise<Tensors> => {
    const learner = await learnerOf(drifting(seed));
    await learn(learner, 120, drift());
    const state = { ...learner.getState(), ...copied(learner.getExperience()) };
    await learner.dispose();
    return state;
  };
  const [first, again, other] = [await run(7), await run(7), await run(8)];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other['actor/0/kernel'], first['actor/0/kernel']);
});

test('2N updates are N updates, a fresh learner with the saved state, and N more', async () => {
  // A ring small enough to have wrapped, and more than one update a step.
  const start = drifting(9, { replay_capacity: 100, gradient_steps: 2 });
  const world = drift();
  const whole = await learnerOf(start);
  await learn(whole, 130, world);
  const [state, experience] = [whole.getState(), copied(whole.getExperience())];
  const resumed = await learnerOf({ ...start, seed: 1234 }, state);
  resumed.setExperience(experience);
  assert.deepEqual(resumed.getState(), state, 'what is loaded is what was saved');
  // The same world for both: its actions are recorded from one and must come out of the other.
  for (let step = 0; step < 60; step += 1) {
    const observation = world.observe();
    const action = (await whole.explore(observation)).slice();
    assert.deepEqual(await resumed.explore(observation), action);
    const transition = { observation, action, ...world.step(action) };
    for (const learner of [whole, resumed]) {
      learner.observe([transition]);
      while (learner.updatesDue() > 0) await learner.update();
    }
  }
  assert.deepEqual(resumed.getState(), whole.getState());
  assert.deepEqual(copied(resumed.getExperience()), copied(whole.getExperience()));
  await Promise.all([whole.dispose(), resumed.dispose()]);
});

test('a learning rate of 0 learns nothing', async () => {
  const learner = await learnerOf(drifting(10, { learning_rate: 0, target_smoothing: 0 }));
  const parameters = (): Tensors =>
    Object.fromEntries(
      Object.entries(learner.getState()).filter(([name]) => !name.startsWith('adam/') && name !== 'updates'),
    );
  const before = parameters();
  await learn(learner, 80, drift());
  assert.ok((learner.getState()['updates']?.data[0] as number) > 0);
  assert.deepEqual(parameters(), before);
  await learner.dispose();
});

test('each network has a learning rate of its own', async () => {
  const learner = await learnerOf(drifting(11, { actor_learning_rate: 0, temperature_learning_rate: 0 }));
  const before = learner.getState();
  await learn(learner, 70, drift());
  const after = learner.getState();
  assert.deepEqual(after['actor/1/kernel'], before['actor/1/kernel']);
  assert.deepEqual(after['log_temperature'], before['log_temperature']);
  assert.notDeepEqual(after['critic1/1/kernel'], before['critic1/1/kernel']);
  await learner.dispose();
});

test('the two critics start different, and the targets as their critics', () => {
  const { hyperparameters, spaces } = drifting(12);
  const state = sac.initialize(hyperparameters, spaces, Pcg64.fromSeed(12));
  assert.notDeepEqual(state['critic1/0/kernel'], state['critic2/0/kernel']);
  assert.deepEqual(state['target1/0/kernel'], state['critic1/0/kernel']);
  assert.deepEqual(state['target2/2/bias'], state['critic2/2/bias']);
  assert.deepEqual(sac.initialize(hyperparameters, spaces, Pcg64.fromSeed(12)), state);
});

test('fresh weights and biases are uniform in ±1/√fan_in', () => {
  const state = sac.initialize(sac.resolve({ hidden_sizes: [200, 100] }, 'none'), spacesOf(3, 2), Pcg64.fromSeed(13));
  for (const [name, fanIn] of [
    ['actor/0/kernel', 3],
    ['actor/1/kernel', 200],
    ['actor/1/bias', 200],
    ['critic1/0/kernel', 5],
  ] as const) {
    const bound = 1 / Math.sqrt(fanIn);
    const values = state[name]?.data as Float32Array;
    const widest = Math.max(...values.map(Math.abs));
    // The largest of n uniform numbers is below 0.9 of the bound with probability 0.9ⁿ.
    assert.ok(widest <= bound && widest > 0.9 * bound, `${name}: ${widest} of ${bound}`);
  }
});

test('warm-up acts at random and does not learn; then updates come as asked', async () => {
  const learner = await learnerOf(drifting(14, { learning_starts: 10, train_frequency: 4, gradient_steps: -1 }));
  const world = drift();
  const due: number[] = [];
  for (let step = 0; step < 16; step += 1) {
    const observation = world.observe();
    const action = await learner.explore(observation);
    assert.ok(action.every((value) => value >= -1 && value <= 1));
    learner.observe([{ observation, action, ...world.step(action) }]);
    due.push(learner.updatesDue());
    while (learner.updatesDue() > 0) await learner.update();
  }
  assert.deepEqual(due, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4]);
  await learner.dispose();
});

test('a loss that is not finite stops the update by name', async () => {
  const learner = await learnerOf(drifting(15, { learning_starts: 1, batch_size: 4 }));
  const [observation, action] = [new Float64Array(2), new Float32Array(2)];
  const ended = { terminated: false, truncated: false };
  learner.observe([{ observation, action, reward: Number.NaN, nextObservation: observation, ...ended }]);
  await assert.rejects(learner.update(), (thrown: unknown) => {
    assert.ok(thrown instanceof DomainError && thrown.code === 'non_finite');
    assert.match(thrown.message, /"loss\/critic".* became NaN or infinite in update 1/);
    return true;
  });
  await learner.dispose();
});

test('a state that does not fit is refused by name', async () => {
  const start = drifting(16);
  const state = sac.initialize(start.hyperparameters, start.spaces, Pcg64.fromSeed(1));
  const { 'critic2/1/bias': gone, ...missing } = state;
  assert.ok(gone);
  const isIncompatible = (thrown: unknown): boolean =>
    thrown instanceof DomainError &&
    thrown.code === 'checkpoint_incompatible' &&
    thrown.message.includes('critic2/1/bias');
  await assert.rejects(learnerOf(start, missing), isIncompatible);
  await assert.rejects(
    learnerOf(start, { ...state, 'critic2/1/bias': { shape: [3], data: new Float32Array(3) } }),
    isIncompatible,
  );
});

test('no tfjs kernel runs once learner and policy are made', async () => {
  const start = drifting(17);
  const learner = await learnerOf(start);
  const engine = tf.engine();
  const original = engine.runKernel;
  let kernels = 0;
  engine.runKernel = ((...call: Parameters<typeof original>) => {
    kernels += 1;
    return original.apply(engine, call);
  }) as typeof original;
  try {
    await learn(learner, 90, drift());
    assert.equal(kernels, 0);
    // The counter counts: making a policy traces it.
    await actionsFor(learner, start, new Float64Array(2), null);
    assert.ok(kernels > 0);
  } finally {
    engine.runKernel = original;
    await learner.dispose();
  }
});

test('a policy acts on many observations as on each, and takes new parameters', async () => {
  const start = drifting(18);
  const learner = await learnerOf(start);
  const policy = await sac.createPolicy({ ...start, engine: onnxCpuEngine, state: learner.getState() });
  const count = 301;
  const observations = new Float64Array(2 * count).map((_, index) => Math.sin(index));
  const together = await policy.act(observations, { deterministic: true });
  for (const index of [0, 1, 255, 256, 300]) {
    const alone = await policy.act(observations.subarray(2 * index, 2 * index + 2), { deterministic: true });
    // Products of other row counts may sum in another order.
    for (const place of [0, 1])
      assert.ok(Math.abs((alone[place] as number) - (together[2 * index + place] as number)) < 1e-6);
  }
  const drawn = await policy.act(observations, { deterministic: false, rng: Pcg64.fromSeed(1) });
  assert.deepEqual(await policy.act(observations, { deterministic: false, rng: Pcg64.fromSeed(1) }), drawn);
  assert.notDeepEqual(drawn, together);
  await learn(learner, 80, drift());
  policy.setState(learner.policyState());
  assert.notDeepEqual(await policy.act(observations, { deterministic: true }), together);
  await Promise.all([policy.dispose(), learner.dispose()]);
});
