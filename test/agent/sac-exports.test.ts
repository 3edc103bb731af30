// A policy with every option as it leaves the learner: to act here, in an ONNX file, and as the same thing in plain numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import ort from 'onnxruntime-node';
import { sac } from '../../src/agent/algorithms/sac/sac.ts';
import { policyModel } from '../../src/agent/policy-model.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { drift, learnerOf, starting, stepAll } from './support/learners.ts';
import { forward } from './support/plain-sac.ts';

const FORMS = [
  { activation: 'relu', observation_normalization: true },
  { activation: 'tanh', layer_norm: 'all' },
  { activation: 'elu', layer_norm: 'all', observation_normalization: true },
  { activation: 'silu', layer_norm: 'critics', observation_normalization: true },
  { variant: 'v1', activation: 'silu', layer_norm: 'all', observation_normalization: true, n_critics: 1 },
] as const;

/** Observations of a scale and centre of their own; the last rows lie so far out that they are clipped. */
const seen = (x: number, y: number): number[] => [300 + 40 * x, -0.02 + 0.001 * y];

for (const form of FORMS) {
  test(`a policy with ${JSON.stringify(form)} acts the same here, in a file, and in plain numbers`, async (t) => {
    const start = starting(81, { ...form, learning_rate: 5e-3 });
    const learner = await learnerOf(start);
    t.after(() => learner.dispose());
    const world = drift();
    const shifted = {
      observe: () => Float64Array.from(seen(...(world.observe() as unknown as [number, number]))),
      step: (action: Float32Array) => {
        const { nextObservation, ...rest } = world.step(action);
        return {
          ...rest,
          nextObservation: Float64Array.from(seen(...(nextObservation as unknown as [number, number]))),
        };
      },
    };
    for (let step = 0; step < 60; step += 1) await stepAll(learner, [shifted]);
    const state = learner.policyState();

    const rows = Array.from({ length: 40 }, (_, i) => seen(Math.sin(3 * i) * (i < 36 ? 1 : 1e3), Math.cos(5 * i)));
    const observations = Float32Array.from(rows.flat());
    const numbers = new Map(Object.entries(state).map(([name, { data }]) => [name, Array.from(data, Number)]));
    const [mean, scale] = [numbers.get('normalizer/mean'), numbers.get('normalizer/scale')];
    assert.equal(mean !== undefined, 'observation_normalization' in form);
    const expected = rows.flatMap((_, row) => {
      const raw = Array.from(observations.subarray(2 * row, 2 * row + 2));
      const view = raw.map((value, i) =>
        mean === undefined || scale === undefined
          ? value
          : Math.min(10, Math.max(-10, (value - (mean[i] as number)) * (scale[i] as number))),
      );
      return forward(numbers, 'actor', view, form.activation).slice(0, 2).map(Math.tanh);
    });
    if (mean !== undefined) assert.ok(Math.abs((mean[0] as number) - 300) < 60, 'the statistics are of what was seen');

    const { hyperparameters, spaces } = start;
    const about = { name: 'policy', description: 'A test.', version: '1', metadata: {} };
    const model = policyModel({ algorithm: sac, hyperparameters, spaces, state, about });
    const session = await ort.InferenceSession.create(model);
    t.after(() => session.release());
    const { action } = await session.run({ observation: new ort.Tensor('float32', observations, [rows.length, 2]) });
    // Both from the policy's own part and from a whole checkpoint.
    const [policy, whole] = await Promise.all(
      [state, learner.getState()].map((from) =>
        sac.createPolicy({ hyperparameters, spaces, engine: onnxCpuEngine, state: from }),
      ),
    );
    t.after(() => Promise.all([policy?.dispose(), whole?.dispose()]));
    const acted = (await policy?.act(observations, { deterministic: true })) as Float32Array;
    assert.deepEqual(await whole?.act(observations, { deterministic: true }), acted);

    const worst = (actual: ArrayLike<number>, other: ArrayLike<number>): number =>
      Math.max(...Array.from(actual, (value, i) => Math.abs(value - (other[i] as number))));
    const spread = worst(
      expected,
      expected.map(() => expected[0] as number),
    );
    assert.ok(spread > 0.01, 'the policy tells observations apart');
    // Observations of 300 less a mean of 300: float32 rounds them to 3e-5, over deviations of 25 and with raw observations times weights.
    assert.ok(worst(acted, expected) < 2e-4, `policy: ${worst(acted, expected)}`);
    assert.ok(
      worst(action?.data as Float32Array, expected) < 2e-4,
      `file: ${worst(action?.data as Float32Array, expected)}`,
    );
    assert.ok(
      worst(action?.data as Float32Array, acted) < 1e-5,
      `between: ${worst(action?.data as Float32Array, acted)}`,
    );
  });
}

test('a policy drawn from spreads about the mean as its head says', async () => {
  const start = starting(82, { observation_normalization: true, layer_norm: 'all' });
  const learner = await learnerOf(start);
  const state = learner.policyState();
  const policy = await sac.createPolicy({ ...start, engine: onnxCpuEngine, state });
  const count = 4000;
  const observations = Float64Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 0.4 : -0.7));
  const actions = await policy.act(observations, { deterministic: false, rng: Pcg64.fromSeed(7) });
  const numbers = new Map(Object.entries(state).map(([name, { data }]) => [name, Array.from(data, Number)]));
  const head = forward(numbers, 'actor', [0.4, -0.7], 'relu');
  for (const i of [0, 1]) {
    const [mu, sigma] = [head[i] as number, Math.exp(head[2 + i] as number)];
    // The normal distribution at −1, 0 and 1 standard deviations, through tanh, which keeps their order; five standard errors.
    for (const [deviations, share] of [
      [-1, 0.15866],
      [0, 0.5],
      [1, 0.84134],
    ] as const) {
      const bound = Math.tanh(mu + deviations * sigma);
      const below = Array.from({ length: count }, (_, row) => actions[2 * row + i] as number).filter((a) => a < bound);
      const found = below.length / count;
      assert.ok(Math.abs(found - share) < 5 * Math.sqrt((share * (1 - share)) / count), `${deviations}σ: ${found}`);
    }
  }
  await Promise.all([learner.dispose(), policy.dispose()]);
});
