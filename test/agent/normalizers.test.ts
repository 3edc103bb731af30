// What is learnt about observations and rewards as they come in, against plain two-pass formulas over the whole history.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalized, ObservationNormalizer } from '../../src/agent/nn/observation-normalizer.ts';
import { RewardNormalizer } from '../../src/agent/nn/reward-normalizer.ts';
import { evaluate } from '../../src/compute/reference/evaluate.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { assertClose } from '../compute/support.ts';
import { freshSeed } from '../support/seed.ts';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => {
  const centre = mean(values);
  return mean(values.map((value) => (value - centre) ** 2));
};
/** One pass against two, of a thousand numbers whose spread is no less than a thousandth of them. */
const CLOSE = { absolute: 0, relative: 1e-9 };

test('observations: mean and scale are those of all that was seen, with a ten-thousandth of a sample to begin with', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  const history = Array.from({ length: 1000 }, () => [
    3 + rng.standardNormal(),
    1000 + 50 * rng.standardNormal(),
    -1e-3 * rng.random(),
    5,
  ]);
  const normalizer = new ObservationNormalizer(4);
  assertClose(normalizer.parameters.mean, [0, 0, 0, 0], { absolute: 0, relative: 0 }, 'mean before any');
  assertClose(normalizer.parameters.scale, [1, 1, 1, 1], { absolute: 1e-7, relative: 0 }, 'scale before any');
  for (const observation of history) normalizer.observe(Float64Array.from(observation));
  // Gymnasium begins with mean 0 and variance 1 at a weight of 1e-4.
  const [weight, total] = [1e-4, history.length + 1e-4];
  const columns = [0, 1, 2, 3].map((column) => history.map((row) => row[column] as number));
  const means = columns.map((values) => (mean(values) * values.length) / total);
  const scales = columns.map((values, i) => {
    const centre = means[i] as number;
    const spread = values.reduce((sum, value) => sum + (value - centre) ** 2, weight * (1 + centre ** 2)) / total;
    return 1 / Math.sqrt(spread + 1e-8);
  });
  // Programs take them in float32.
  assertClose(normalizer.parameters.mean, means.map(Math.fround), { absolute: 0, relative: 1e-7 }, 'mean');
  assertClose(normalizer.parameters.scale, scales.map(Math.fround), { absolute: 0, relative: 2e-7 }, 'scale');
});

test('observations are clipped at ±10, and a component that never changes becomes 0', () => {
  const normalizer = new ObservationNormalizer(1);
  for (let i = 0; i < 5; i += 1) normalizer.observe(Float64Array.of(2));
  const graph = trace((_, { x, mean: m, scale }) => ({ y: normalized(x, m, scale) }), {
    state: {},
    inputs: { x: [5, 1], mean: [1], scale: [1] },
  });
  const run = (m: number, scale: number, x: readonly number[]): number[] => [
    ...(evaluate(graph, { x: Float64Array.from(x), mean: Float64Array.of(m), scale: Float64Array.of(scale) }, {})
      .outputs['y'] as Float64Array),
  ];
  assert.deepEqual(run(1, 2, [1, 2, 5.9, 6.1, -1e9]), [0, 2, 9.8, 10, -10]);
  const { mean: [m = 0] = [], scale: [scale = 0] = [] } = normalizer.parameters as unknown as Record<string, number[]>;
  // The start, of mean 0 and variance 1, still weighs 1e-4 of 5 samples.
  const [still = 0] = run(m, scale, [2, 2, 2, 2, 2]);
  assert.ok(Math.abs(still) < 0.01 && Number.isFinite(still), `${still}`);
});

test('observations: statistics go on from what was saved as if nothing had been in between', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  const [whole, first, second] = [0, 0, 0].map(() => new ObservationNormalizer(2)) as [
    ObservationNormalizer,
    ObservationNormalizer,
    ObservationNormalizer,
  ];
  const draw = () => Float64Array.of(rng.standardNormal(), rng.random());
  const history = Array.from({ length: 40 }, draw);
  for (const one of history) whole.observe(one);
  for (const one of history.slice(0, 15)) first.observe(one);
  second.setState(structuredClone(first.getState()));
  for (const one of history.slice(15)) second.observe(one);
  assert.deepEqual(second.getState(), whole.getState());
  assert.throws(() => new ObservationNormalizer(3).setState(whole.getState()), RangeError);
});

interface Step {
  readonly lane: number;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
}

const GAMMA = 0.95;

function play(rng: Pcg64, lanes: number, count: number, reward: () => number): Step[] {
  return Array.from({ length: count }, (_, i) => {
    const end = rng.random();
    return { lane: i % lanes, reward: reward(), terminated: end < 0.05, truncated: end > 0.95 };
  });
}

/** G of each step: what its episode has brought so far, discounted. */
function returnsOf(steps: readonly Step[], lanes: number): number[] {
  const sums = new Array<number>(lanes).fill(0);
  return steps.map(({ lane, reward, terminated, truncated }) => {
    const sum = GAMMA * (sums[lane] as number) + reward;
    sums[lane] = terminated || truncated ? 0 : sum;
    return sum;
  });
}

const EXPECTED = {
  none: () => 1,
  return_std: (steps: readonly Step[], lanes: number) => Math.sqrt(variance(returnsOf(steps, lanes))),
  automatic: (steps: readonly Step[], lanes: number) => {
    // σ² = V[r] + V[Γ]·E[G²]  (arXiv:2105.05347).
    const spread = variance(steps.map(({ reward }) => reward));
    const discounts = variance(steps.map(({ terminated }) => (terminated ? 0 : GAMMA)));
    return Math.sqrt(spread + discounts * mean(returnsOf(steps, lanes).map((sum) => sum ** 2)));
  },
} as const;
const KINDS = Object.keys(EXPECTED) as (keyof typeof EXPECTED)[];

const learnt = (kind: (typeof KINDS)[number], steps: readonly Step[], lanes: number): RewardNormalizer => {
  const normalizer = new RewardNormalizer(kind, GAMMA, lanes);
  for (const step of steps) normalizer.observe(step.lane, step);
  return normalizer;
};

for (const kind of KINDS) {
  for (const lanes of [1, 3]) {
    test(`rewards, ${kind}, ${lanes} lanes: the divisor is that of the whole history`, (context) => {
      const rng = Pcg64.fromSeed(freshSeed(context));
      for (const count of [2, 3, 50, 900]) {
        const steps = play(rng, lanes, count, () => 2 + 7 * rng.standardNormal());
        assertClose([learnt(kind, steps, lanes).divisor], [EXPECTED[kind](steps, lanes)], CLOSE, `${count} steps`);
      }
    });

    test(`rewards, ${kind}, ${lanes} lanes: statistics go on from what was saved, in mid-episode`, (context) => {
      const rng = Pcg64.fromSeed(freshSeed(context));
      const steps = play(rng, lanes, 100, () => rng.standardNormal());
      const resumed = new RewardNormalizer(kind, GAMMA, lanes);
      resumed.setState(structuredClone(learnt(kind, steps.slice(0, 37), lanes).getState()));
      for (const step of steps.slice(37)) resumed.observe(step.lane, step);
      assert.deepEqual(resumed.getState(), learnt(kind, steps, lanes).getState());
    });
  }
}

for (const kind of ['return_std', 'automatic'] as const) {
  test(`rewards, ${kind}: in other units they are the same once they are divided`, (context) => {
    const rng = Pcg64.fromSeed(freshSeed(context));
    const steps = play(rng, 2, 500, () => 1 + rng.standardNormal());
    const { divisor } = learnt(kind, steps, 2);
    for (const units of [1000, 1e-3, 1e8]) {
      const scaled = learnt(
        kind,
        steps.map((step) => ({ ...step, reward: units * step.reward })),
        2,
      );
      const [expected, actual] = [divisor, scaled.divisor].map((by, i) =>
        steps.map(({ reward }) => ((i === 0 ? 1 : units) * reward) / by),
      ) as [number[], number[]];
      assertClose(actual, expected, { absolute: 0, relative: 1e-9 }, `units ${units}`);
    }
  });

  test(`rewards, ${kind}: where there is no spread, and before the second reward, they stay as they are`, () => {
    const one = (reward: number, terminated = false): Step => ({ lane: 0, reward, terminated, truncated: !terminated });
    assert.equal(learnt(kind, [], 1).divisor, 1);
    assert.equal(learnt(kind, [one(5)], 1).divisor, 1);
    for (const reward of [0, 0.1, -1e9, 1e-300])
      assert.equal(
        learnt(
          kind,
          Array.from({ length: 9 }, () => one(reward)),
          1,
        ).divisor,
        1,
        `${reward}`,
      );
    assert.equal(
      learnt(
        kind,
        Array.from({ length: 9 }, () => one(0.3, true)),
        1,
      ).divisor,
      1,
      'terminal ones alone',
    );
  });
}

test('rewards: a run with another number of environments keeps the statistics and begins its episodes anew', () => {
  const rng = Pcg64.fromSeed(1);
  const two = learnt(
    'automatic',
    play(rng, 2, 100, () => rng.standardNormal()),
    2,
  );
  const three = new RewardNormalizer('automatic', GAMMA, 3);
  three.setState(two.getState());
  assert.equal(three.divisor, two.divisor);
  assert.deepEqual(three.getState()['returns']?.data, new Float64Array(3));
});
