// A tabular policy that acts, and the same as an ONNX file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import ort from 'onnxruntime-node';
import type { DiscreteSpaces, Hyperparameters } from '../../../src/agent/algorithm.ts';
import { softPolicyIteration as algorithm } from '../../../src/agent/algorithms/soft-policy-iteration/soft-policy-iteration.ts';
import { policyModel } from '../../../src/agent/policy-model.ts';
import { onnxCpuEngine } from '../../../src/compute/onnx/engine.ts';
import type { DiscreteDocument } from '../../../src/envs/spaces/space.ts';
import { DomainError } from '../../../src/errors.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import type { Tensors } from '../../../src/math/tensor.ts';
import { freshSeed } from '../../support/seed.ts';
import { randomModel } from '../../support/tabular-models.ts';

const discrete = (n: number, start = 0): DiscreteDocument => ({ type: 'Discrete', n, start });
const spacesOf = (observation: DiscreteDocument, action: DiscreteDocument) =>
  algorithm.checkSpaces(observation, action) as DiscreteSpaces;
const hyperparameters = algorithm.resolve({ temperature: 1 }, 'none');

/** After one iteration on a random table. */
function planned(rng: Pcg64, resolved: Hyperparameters = hyperparameters) {
  const model = randomModel(rng);
  const spaces = spacesOf(discrete(model.states), discrete(model.actions));
  const state = algorithm.initialize(resolved, spaces, rng);
  const planner = algorithm.createPlanner({ hyperparameters: resolved, model, state });
  planner.iterate(() => false);
  return { model, spaces, planner };
}

async function fileActions(state: Tensors, spaces: ReturnType<typeof planned>['spaces'], observations: Float32Array) {
  const about = { name: 'policy', description: 'A test.', version: '1', metadata: {} };
  const session = await ort.InferenceSession.create(policyModel({ algorithm, hyperparameters, spaces, state, about }));
  const observation = new ort.Tensor('float32', observations, [observations.length, 1]);
  const { action } = await session.run({ observation });
  await session.release();
  assert.deepEqual(action?.dims, [observations.length, 1]);
  return [...(action.data as Float32Array)];
}

test('the file has the likeliest action of every state, as the policy does where it is deterministic', async (t) => {
  const rng = Pcg64.fromSeed(freshSeed(t));
  for (let i = 0; i < 10; i++) {
    const { model, spaces, planner } = planned(rng);
    const state = planner.policyState();
    const policy = await algorithm.createPolicy({ hyperparameters, spaces, state, engine: onnxCpuEngine });
    const observations = Float32Array.from({ length: model.states + 1 }, (_, s) => s % model.states);
    const actions = [...(await policy.act(observations, { deterministic: true }))];
    assert.deepEqual(await fileActions(state, spaces, observations), actions);
    assert.deepEqual(await fileActions(planner.getState(), spaces, observations), actions);
    const { data } = state['policy'] as { data: Float64Array };
    for (const [s, a] of actions.slice(0, model.states).entries()) {
      const row = data.subarray(s * model.actions, (s + 1) * model.actions);
      assert.equal(row[a], Math.max(...row));
    }
    await policy.dispose();
  }
});

test('spaces that do not start at 0 are counted from their start', async () => {
  const spaces = spacesOf(discrete(3, 10), discrete(2, 5));
  const state: Tensors = {
    policy: { shape: [3, 2], data: Float64Array.of(1, 0, 0, 1, 1, 0) },
    mode: { shape: [3, 1], data: Float32Array.of(0, 1, 0) },
  };
  const policy = await algorithm.createPolicy({ hyperparameters, spaces, state, engine: onnxCpuEngine });
  const observations = Float32Array.of(10, 11, 12);
  assert.deepEqual([...(await policy.act(observations, { deterministic: true }))], [0, 1, 0]);
  assert.deepEqual(await fileActions(state, spaces, observations), [5, 6, 5]);
});

test('drawn actions come as often as the policy says', async (t) => {
  const rng = Pcg64.fromSeed(freshSeed(t));
  const { spaces, planner } = planned(rng);
  const state = planner.policyState();
  const policy = await algorithm.createPolicy({ hyperparameters, spaces, state, engine: onnxCpuEngine });
  const draws = 20_000;
  const actions = await policy.act(new Float32Array(draws), { deterministic: false, rng });
  const { data } = state['policy'] as { data: Float64Array };
  for (let a = 0; a < spaces.action.n; a++) {
    const share = actions.filter((action) => action === a).length / draws;
    const p = data[a] as number;
    // Five standard deviations.
    assert.ok(Math.abs(share - p) <= 5 * Math.sqrt((p * (1 - p)) / draws) + 1e-9, `${share} of action ${a}, not ${p}`);
  }
});

test('other parameters of another size are refused', async (t) => {
  const { spaces, planner } = planned(Pcg64.fromSeed(freshSeed(t)));
  const state = { ...planner.policyState(), policy: { shape: [0, 0], data: new Float64Array(0) } };
  await assert.rejects(
    algorithm.createPolicy({ hyperparameters, spaces, state, engine: onnxCpuEngine }),
    /"policy" has 0 elements/,
  );
});

test('a Box is refused by name, whichever space it is', () => {
  const box = { type: 'Box', dtype: 'float32', shape: [3], low: -1, high: 1 } as const;
  for (const [observation, action, what] of [
    [box, discrete(2), /observes a Discrete space, here it is Box of shape \[3\]/],
    [discrete(2), box, /acts in a Discrete space, here it is Box of shape \[3\].*"sac"/],
  ] as const) {
    assert.throws(
      () => algorithm.checkSpaces(observation, action),
      (thrown) => thrown instanceof DomainError && thrown.code === 'unsupported_space' && what.test(thrown.message),
    );
  }
});

test('hyperparameters that are none are refused in words', () => {
  for (const [given, what] of [
    [{ temperature: -1 }, /"temperature" is -1; allowed is number, ≥ 0 and ≤ 1000000000/],
    [{ discount: 1 }, /"discount" is 1; allowed is number, ≥ 0 and < 1/],
    [{ max_evaluation_sweeps: 1.5 }, /"max_evaluation_sweeps" is 1.5; allowed is integer, ≥ 1/],
    [{ tolerence: 1 }, /Soft policy iteration has no hyperparameter "tolerence"\. Did you mean "tolerance"/],
  ] as const) {
    assert.throws(() => algorithm.resolve(given, 'none'), what);
  }
  assert.deepEqual(algorithm.resolve({ temperature: 0 }, 'none'), {
    temperature: 0,
    discount: 0.99,
    tolerance: 1e-8,
    max_evaluation_sweeps: 100_000,
  });
});
