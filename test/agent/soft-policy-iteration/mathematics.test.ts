// Evaluation and improvement against closed forms, the theorem on random decision processes, and soft value iteration.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  distance,
  evaluateSoftPolicy,
  softBackup,
  softStateValues,
  stateEntropies,
} from '../../../src/agent/algorithms/soft-policy-iteration/evaluation.ts';
import { flatModel } from '../../../src/agent/algorithms/soft-policy-iteration/flat-model.ts';
import { greedyActions, improvePolicy } from '../../../src/agent/algorithms/soft-policy-iteration/improvement.ts';
import { softPolicyIteration as algorithm } from '../../../src/agent/algorithms/soft-policy-iteration/soft-policy-iteration.ts';
import { readState, writeState } from '../../../src/agent/algorithms/soft-policy-iteration/state.ts';
import type { TabularModel } from '../../../src/envs/tabular-model.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { freshSeed } from '../../support/seed.ts';
import { randomModel, softMaximum, valueIteration } from '../../support/tabular-models.ts';

const TOLERANCE = 1e-9;
/** Between two Q that are each within the tolerance of Q*, and what sums round. */
const APART = 2.1 * TOLERANCE;
const MODELS = 60;

interface Solution {
  readonly q: Float64Array;
  readonly policy: Float64Array;
  /** α·log Σ exp(Q/α), [states]. */
  readonly values: readonly number[];
  readonly iterations: number;
  /** min over (s, a) and iterations of Q_new − Q_old. */
  readonly leastIncrease: number;
}

function solve(model: TabularModel, temperature: number, discount: number, maxSweeps = 1e6): Solution {
  const given = { temperature, discount, tolerance: TOLERANCE, max_evaluation_sweeps: maxSweeps };
  const size = model.states * model.actions;
  const fresh = { q: new Float64Array(size), policy: new Float64Array(size).fill(1 / model.actions), iterations: 0 };
  const hyperparameters = algorithm.resolve(given, 'none');
  const planner = algorithm.createPlanner({ hyperparameters, model, state: writeState(fresh, model) });
  let leastIncrease = Number.POSITIVE_INFINITY;
  for (let iterations = 1; ; iterations++) {
    const { isConverged, metrics } = planner.iterate(() => false) ?? assert.fail();
    leastIncrease = Math.min(leastIncrease, metrics['q/min_increase'] ?? Number.POSITIVE_INFINITY);
    if (!isConverged) continue;
    const { q, policy } = readState(planner.getState(), model);
    const values = Array.from({ length: model.states }, (_, state) =>
      softMaximum([...q.subarray(state * model.actions, (state + 1) * model.actions)], temperature),
    );
    return { q, policy, values, iterations, leastIncrease };
  }
}

function* randomCases(t: TestContext): Generator<{ rng: Pcg64; model: TabularModel; discount: number }> {
  const rng = Pcg64.fromSeed(freshSeed(t));
  for (let i = 0; i < MODELS; i++) yield { rng, model: randomModel(rng), discount: 0.97 * rng.random() };
}

const near = (actual: number, expected: number, tolerance: number, what = ''): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what} ${actual} is not ${expected} within ${tolerance}`);

test('a bandit of one state: V = α·log Σ exp(r/α), π ∝ exp(r/α)', () => {
  const rewards = [1, 2, -0.5];
  const model: TabularModel = {
    states: 1,
    actions: 3,
    transitions: [rewards.map((reward) => [[1, 0, reward, true]])],
    start: [1],
  };
  for (const temperature of [0.01, 0.3, 1, 20]) {
    const { values, policy, iterations } = solve(model, temperature, 0.9);
    const expected = temperature * Math.log(rewards.reduce((sum, r) => sum + Math.exp(r / temperature), 0));
    near(values[0] as number, expected, 1e-12 * Math.max(1, temperature), `α = ${temperature}:`);
    const sum = rewards.reduce((total, r) => total + Math.exp((r - 2) / temperature), 0);
    for (const [a, r] of rewards.entries()) near(policy[a] as number, Math.exp((r - 2) / temperature) / sum, 1e-14);
    // Q is the reward under every policy: one iteration finds it, a second that there is no better one.
    assert.equal(iterations, 2);
  }
});

test('a chain of two states, by hand: stay for 1 or go on for 0, then 2 and the end', () => {
  const model: TabularModel = {
    states: 2,
    actions: 2,
    transitions: [
      [[[1, 0, 1, false]], [[1, 1, 0, false]]],
      [[[1, 0, 2, true]], [[1, 0, 2, true]]],
    ],
    start: [1, 0],
  };
  const [alpha, gamma] = [0.5, 0.5];
  // Of the second state: 2 + α·log 2. Of the first the root of V = α·log(exp((1 + γV)/α) + exp(γV₁/α)), by bisection.
  const second = 2 + alpha * Math.log(2);
  let [low, high] = [0, 10];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    const image = alpha * Math.log(Math.exp((1 + gamma * middle) / alpha) + Math.exp((gamma * second) / alpha));
    if (image > middle) low = middle;
    else high = middle;
  }
  const { values, q } = solve(model, alpha, gamma);
  near(values[1] as number, second, 1e-12);
  near(values[0] as number, low, APART);
  for (const [pair, expected] of [1 + gamma * low, gamma * second, 2, 2].entries())
    near(q[pair] as number, expected, APART, `Q[${pair}]`);
  // Ordinary policy iteration: staying is worth 1 + 1/2 + … = 2, going on 1.
  assert.deepEqual([...solve(model, 0, gamma).policy], [1, 0, 1, 0]);
});

test('what ended has no future', () => {
  const model = (ended: boolean): TabularModel => ({
    states: 1,
    actions: 1,
    transitions: [[[[1, 0, 1, ended]]]],
    start: [1],
  });
  near(solve(model(true), 1, 0.9).q[0] as number, 1, 0);
  near(solve(model(false), 1, 0.9).q[0] as number, 10, APART);
});

test('T^π contracts by γ: the largest rate measured never passes it, and is reached', (t) => {
  for (const { rng, model, discount } of randomCases(t)) {
    const flat = flatModel(model);
    const size = model.states * model.actions;
    const draw = () => Float64Array.from({ length: size }, () => 20 * rng.random() - 10);
    const policy = improvePolicy(draw(), model.actions, 3 * rng.random());
    const entropies = stateEntropies(policy, model.actions);
    const backup = (q: Float64Array): Float64Array => {
      const image = new Float64Array(size);
      softBackup(flat, softStateValues(policy, entropies, q, 0.7), discount, image);
      return image;
    };
    const [a, b] = [draw(), draw()];
    // Twice the rounding of numbers up to 20.
    assert.ok(distance(backup(a), backup(b)) <= discount * distance(a, b) + 1e-13);
    // A constant is moved by exactly γ where nothing ends, the worst case.
    const endless = flatModel({
      ...model,
      transitions: model.transitions.map((row) => row.map((all) => all.map(([p, s, r]) => [p, s, r, false] as const))),
    });
    const shifted = a.map((x) => x + 1);
    const images = [a, shifted].map((q) => {
      const image = new Float64Array(size);
      softBackup(endless, softStateValues(policy, entropies, q, 0.7), discount, image);
      return image;
    });
    near(distance(images[0] as Float64Array, images[1] as Float64Array), discount, 1e-12);
  }
});

test('an evaluation is within the tolerance of the exact one, which more sweeps reach', (t) => {
  for (const { rng, model, discount } of randomCases(t)) {
    const flat = flatModel(model);
    const zero = new Float64Array(model.states * model.actions);
    const policy = improvePolicy(
      zero.map(() => rng.random()),
      model.actions,
      0.5,
    );
    const evaluated = (tolerance: number) =>
      evaluateSoftPolicy(flat, policy, zero, { temperature: 0.5, discount, tolerance, maxSweeps: 1e6 }) ??
      assert.fail();
    const exact = evaluated(1e-13);
    for (const tolerance of [1e-2, 1e-6]) {
      const { q, residual } = evaluated(tolerance);
      assert.ok(residual <= (1 - discount) * tolerance);
      assert.ok(distance(q, exact.q) <= tolerance + 1e-12, `${distance(q, exact.q)}`);
    }
    // From the fixed point on nothing moves, not even by rounding.
    const again = evaluateSoftPolicy(flat, policy, exact.q, {
      temperature: 0.5,
      discount,
      tolerance: 1e-6,
      maxSweeps: 1e6,
    });
    assert.deepEqual([again?.sweeps, again?.q], [0, exact.q]);
  }
});

for (const temperature of [1e-3, 0.1, 1, 10]) {
  test(`α = ${temperature}: Q never decreases, and ends where soft value iteration does`, (t) => {
    let most = 0;
    for (const { model, discount } of randomCases(t)) {
      const { q, values, leastIncrease, iterations } = solve(model, temperature, discount);
      most = Math.max(most, iterations);
      assert.ok(leastIncrease >= -TOLERANCE, `Q fell by ${-leastIncrease}`);
      const optimum = valueIteration(model, temperature, discount, TOLERANCE);
      for (const [pair, expected] of optimum.q.flat().entries()) near(q[pair] as number, expected, APART, 'Q');
      for (const [state, expected] of optimum.values.entries()) near(values[state] as number, expected, APART, 'V');
    }
    t.diagnostic(`at most ${most} iterations`);
  });
}

test('α = 0 is ordinary policy iteration: the deterministic optimum of value iteration', (t) => {
  for (const { model, discount } of randomCases(t)) {
    const { q, policy, leastIncrease } = solve(model, 0, discount);
    assert.ok(leastIncrease >= -TOLERANCE);
    const optimum = valueIteration(model, 0, discount, TOLERANCE).q;
    for (const [state, row] of optimum.entries()) {
      const chosen = policy.subarray(state * model.actions, (state + 1) * model.actions).indexOf(1);
      near(row[chosen] as number, Math.max(...row), 2 * APART);
      for (const [a, expected] of row.entries()) near(q[state * model.actions + a] as number, expected, APART);
    }
  }
});

test('as α goes to 0, soft values go to the ordinary ones, from above and by at most α·log(actions)/(1 − γ)', (t) => {
  for (const { model, discount } of randomCases(t)) {
    const hard = valueIteration(model, 0, discount, TOLERANCE).values;
    for (const temperature of [1, 1e-2, 1e-5]) {
      const gap = (temperature * Math.log(model.actions)) / (1 - discount);
      for (const [state, value] of solve(model, temperature, discount).values.entries()) {
        const above = value - (hard[state] as number);
        assert.ok(above >= -APART && above <= gap + APART, `${above} at α = ${temperature}`);
      }
    }
  }
});

test('one sweep an evaluation is soft value iteration, and ends at the same fixed point', (t) => {
  for (const { model, discount } of randomCases(t)) {
    const { q } = solve(model, 0.3, Math.min(discount, 0.8), 1);
    const optimum = valueIteration(model, 0.3, Math.min(discount, 0.8), TOLERANCE).q.flat();
    for (const [pair, expected] of optimum.entries()) near(q[pair] as number, expected, APART);
  }
});

test('improvement is stable: any size of Q, any α, probabilities that sum to 1', () => {
  for (const scale of [1e-300, 1, 1e300]) {
    for (const temperature of [5e-324, 1e-9, 1, 1e9]) {
      const policy = improvePolicy(Float64Array.of(-scale, scale, 0, -0), 4, temperature);
      near(
        policy.reduce((sum, p) => sum + p, 0),
        1,
        1e-15,
      );
    }
  }
  assert.deepEqual([...improvePolicy(Float64Array.of(1, 3, 3, 2, 0, 0), 3, 0)], [0, 1, 0, 1, 0, 0]);
  assert.deepEqual([...greedyActions(Float64Array.of(1, 3, 3, 2, 0, 0), 3)], [1, 0]);
});

test('a shift of Q moves no policy', () => {
  const q = Float64Array.of(0.5, -1, 2, 0.25);
  assert.deepEqual(
    improvePolicy(
      q.map((x) => x + 1024),
      4,
      0.25,
    ),
    improvePolicy(q, 4, 0.25),
  );
});

test('entropy: log n of a uniform row, 0 of a certain one', () => {
  assert.deepEqual([...stateEntropies(Float64Array.of(0.25, 0.25, 0.25, 0.25), 4)], [Math.log(4)]);
  assert.deepEqual([...stateEntropies(Float64Array.of(1, 0, 0.5, 0.5), 2)], [0, Math.log(2)]);
});

test('rewards that overflow are an error that says so, not an endless sweep', () => {
  const model: TabularModel = { states: 1, actions: 1, transitions: [[[[1, 0, 1e308, false]]]], start: [1] };
  assert.throws(() => solve(model, 1, 0.99), /no longer finite after \d+ sweeps.*Make them smaller/);
});

test('an evaluation that is told to stop gives nothing', () => {
  const model = flatModel({ states: 1, actions: 1, transitions: [[[[1, 0, 1, false]]]], start: [1] });
  let asked = 0;
  const stopped = evaluateSoftPolicy(
    model,
    Float64Array.of(1),
    Float64Array.of(0),
    { temperature: 1, discount: 0.99, tolerance: 1e-9, maxSweeps: 1e6 },
    () => ++asked === 5,
  );
  assert.deepEqual([stopped, asked], [null, 5]);
});
