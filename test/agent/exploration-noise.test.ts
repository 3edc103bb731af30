// Noise on top of actions, held to what its process is known to do: one of its spread, its memory, its bounds, its lanes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExplorationNoise } from '../../src/agent/nn/exploration-noise.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { freshSeed } from '../support/seed.ts';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const [THETA, DT] = [0.15, 0.01];

function walk(noise: ExplorationNoise, rng: Pcg64, steps: number, size: number): number[][] {
  return Array.from({ length: steps }, () => {
    const actions = new Float32Array(size);
    noise.apply(actions, rng);
    return [...actions];
  });
}

test('Gaussian noise has the spread that it was given, and no memory', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  const noise = new ExplorationNoise({ kind: 'gaussian', std: 0.2, lanes: 1, size: 2 });
  const rows = walk(noise, rng, 20_000, 2);
  for (const column of [0, 1]) {
    const values = rows.map((row) => row[column] as number);
    // Of n draws the mean strays σ/√n, the standard deviation σ/√(2n) and the correlation 1/√n: five of each, one run in a million.
    assert.ok(Math.abs(mean(values)) < (5 * 0.2) / Math.sqrt(values.length));
    const spread = Math.sqrt(mean(values.map((value) => value ** 2)));
    assert.ok(Math.abs(spread - 0.2) < (5 * 0.2) / Math.sqrt(2 * values.length), `${spread}`);
    const lagged = mean(values.slice(1).map((value, i) => value * (values[i] as number))) / spread ** 2;
    assert.ok(Math.abs(lagged) < 5 / Math.sqrt(values.length), `${lagged}`);
  }
});

test('correlated noise follows its recursion, step by step, from 0', (context) => {
  const seed = freshSeed(context);
  const noise = new ExplorationNoise({ kind: 'ornstein_uhlenbeck', std: 0.5, lanes: 2, size: 1 });
  const rows = walk(noise, Pcg64.fromSeed(seed), 200, 2);
  const rng = Pcg64.fromSeed(seed);
  const x = [0, 0];
  for (const row of rows) {
    const draws = new Float32Array(2);
    rng.fillNormal(draws);
    for (const lane of [0, 1]) {
      const before = x[lane] as number;
      x[lane] = before + THETA * (0 - before) * DT + 0.5 * Math.sqrt(DT) * (draws[lane] as number);
      // Actions are float32.
      assert.ok(Math.abs((row[lane] as number) - Math.min(1, Math.max(-1, x[lane] as number))) < 1e-7);
    }
  }
});

test('correlated noise goes back to its mean, and settles at the spread of the process in steps', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  // Many processes at once, so that their spread is known without walking for years: 1/(θ·dt) steps are 667.
  const [lanes, std] = [4000, 0.1];
  const noise = new ExplorationNoise({ kind: 'ornstein_uhlenbeck', std, lanes, size: 1 });
  const keep = 1 - THETA * DT;
  // x ← k·x + σ√dt·ε has variance σ²·dt·(1 − k²ⁿ)/(1 − k²) after n steps; σ²/(2θ) in the limit of short and many steps.
  const spreadAfter = (steps: number): number =>
    Math.sqrt((std ** 2 * DT * (1 - keep ** (2 * steps))) / (1 - keep ** 2));
  let [steps, last] = [0, [] as number[]];
  for (const until of [10, 300, 1500]) {
    last = walk(noise, rng, until - steps, lanes).at(-1) as number[];
    steps = until;
    const spread = Math.sqrt(mean(last.map((value) => value ** 2)));
    assert.ok(Math.abs(spread / spreadAfter(steps) - 1) < 5 / Math.sqrt(2 * lanes), `${steps} steps: ${spread}`);
  }
  assert.ok(Math.abs(spreadAfter(1e6) / (std / Math.sqrt(2 * THETA)) - 1) < THETA * DT);
  // Where each stands says where it goes: E[x after n | x] = kⁿ·x.
  const later = walk(noise, rng, 500, lanes).at(-1) as number[];
  const slope = mean(later.map((value, i) => value * (last[i] as number))) / mean(last.map((value) => value ** 2));
  assert.ok(Math.abs(slope - keep ** 500) < 5 / Math.sqrt(lanes), `${slope}`);
});

test('the end of an episode puts the process of its lane alone back to 0', () => {
  const noise = new ExplorationNoise({ kind: 'ornstein_uhlenbeck', std: 1, lanes: 3, size: 2 });
  walk(noise, Pcg64.fromSeed(1), 20, 6);
  const places = (): number[] => Array.from(noise.getState()['noise']?.data as Float64Array);
  const before = places();
  noise.endEpisode(1);
  assert.ok(before.every((value) => value !== 0));
  assert.deepEqual(
    places(),
    before.map((value, i) => (i === 2 || i === 3 ? 0 : value)),
  );
});

for (const kind of ['gaussian', 'ornstein_uhlenbeck'] as const) {
  test(`${kind}: actions stay in [−1, 1], and are moved, not replaced`, () => {
    const noise = new ExplorationNoise({ kind, std: 10, lanes: 1, size: 3 });
    const rng = Pcg64.fromSeed(2);
    let clipped = 0;
    for (let step = 0; step < 200; step += 1) {
      const actions = Float32Array.of(0.5, -1, 1);
      noise.apply(actions, rng);
      assert.ok(actions.every((action) => action >= -1 && action <= 1));
      clipped += actions.filter((action) => Math.abs(action) === 1).length;
    }
    assert.ok(clipped > 100);
    const gentle = new ExplorationNoise({ kind, std: 1e-3, lanes: 1, size: 2 });
    const actions = Float32Array.of(0.5, -0.25);
    gentle.apply(actions, rng);
    assert.ok(actions[0] !== 0.5 && Math.abs((actions[0] as number) - 0.5) < 0.01);
    assert.ok(actions[1] !== -0.25 && Math.abs((actions[1] as number) + 0.25) < 0.01);
  });

  test(`${kind}: it goes on from what was saved, and begins anew with another number of lanes`, () => {
    const make = (lanes: number) => new ExplorationNoise({ kind, std: 0.3, lanes, size: 1 });
    const [one, other] = [make(2), make(2)];
    walk(one, Pcg64.fromSeed(3), 10, 2);
    other.setState(structuredClone(one.getState()));
    assert.deepEqual(walk(other, Pcg64.fromSeed(4), 10, 2), walk(one, Pcg64.fromSeed(4), 10, 2));
    const three = make(3);
    three.setState(one.getState());
    assert.deepEqual(three.getState()['noise']?.data, new Float64Array(3));
  });
}

test('none adds nothing and draws nothing', () => {
  const noise = new ExplorationNoise({ kind: 'none', std: 1, lanes: 1, size: 2 });
  const [rng, untouched] = [Pcg64.fromSeed(5), Pcg64.fromSeed(5)];
  assert.deepEqual(walk(noise, rng, 3, 2), [
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  assert.deepEqual(rng.getState(), untouched.getState());
});
