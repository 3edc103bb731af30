// A policy as an ONNX file against the policy that acts here, on the same engine and parameters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import ort from 'onnxruntime-node';
import { ActionScale } from '../../src/agent/action-scale.ts';
import { algorithms } from '../../src/agent/algorithm-registry.ts';
import { type PolicyModelSetup, policyModel } from '../../src/agent/policy-model.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import { Box } from '../../src/envs/spaces/box.ts';
import type { BoxDocument } from '../../src/envs/spaces/space.ts';
import { DomainError } from '../../src/errors.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { sizeOf } from '../../src/math/tensor.ts';
import { readOnnxFile } from '../support/onnx-file.ts';

const box = (shape: readonly number[], low: BoxDocument['low'], high: BoxDocument['high']): BoxDocument => ({
  type: 'Box',
  dtype: 'float32',
  shape,
  low,
  high,
});
const observed = (size: number): BoxDocument => box([size], '-Infinity', 'Infinity');
const about = { name: 'policy', description: 'A test.', version: '1.2.3', metadata: { spec_id: 'Läufer-v1' } };

const CASES = [
  { what: "Pendulum's sizes", observation: observed(3), action: box([1], -2, 2), hidden: [256, 256] },
  { what: "HalfCheetah's sizes", observation: observed(17), action: box([6], -1, 1), hidden: [256, 256] },
  // Axes of length 1 and of the traced length are what a pass could mistake for a batch.
  { what: 'one of everything', observation: observed(1), action: box([1], -1, 1), hidden: [1] },
  { what: 'two of everything', observation: observed(2), action: box([2], -1, 1), hidden: [2, 2] },
  {
    what: 'a Box of two dimensions with bounds of their own',
    observation: observed(5),
    action: box(
      [2, 2],
      [
        [-1, 0],
        [0.1, -3],
      ],
      [
        [1, 0.4],
        [0.7, -2],
      ],
    ),
    hidden: [16],
  },
] as const;

function normal(count: number): Float32Array {
  const numbers = new Float32Array(count);
  Pcg64.fromSeed(2).fillNormal(numbers);
  return numbers;
}

async function run(session: ort.InferenceSession, observations: Float32Array, rows: number): Promise<ort.Tensor> {
  const observation = new ort.Tensor('float32', observations, [rows, observations.length / rows]);
  const { action } = await session.run({ observation });
  return action ?? assert.fail('The file has no output "action".');
}

for (const algorithm of algorithms().filter(({ kind }) => kind === 'interactive')) {
  for (const { what, observation, action, hidden } of CASES) {
    const hyperparameters = algorithm.resolve({ hidden_sizes: hidden }, 'none');
    const spaces = algorithm.checkSpaces(observation, action);
    const state = algorithm.initialize(hyperparameters, spaces, Pcg64.fromSeed(1));
    const setup: PolicyModelSetup = { algorithm, hyperparameters, spaces, state, about };

    test(`${algorithm.name}, ${what}: the file acts as the policy does, whatever the batch`, async (t) => {
      const session = await ort.InferenceSession.create(policyModel(setup));
      const policy = await algorithm.createPolicy({ hyperparameters, spaces, state, engine: onnxCpuEngine });
      t.after(() => Promise.all([session.release(), policy.dispose()]));
      const scale = new ActionScale(action);
      let worst = 0;
      for (const rows of [1, 3, 1000]) {
        const observations = normal(rows * sizeOf(observation.shape));
        const file = await run(session, observations, rows);
        const actions = await policy.act(observations, { deterministic: true });
        const width = actions.length / rows;
        assert.deepEqual(file.dims, [rows, width]);
        for (let at = 0; at < actions.length; at += width) {
          for (const [i, expected] of scale.toSpace(actions.subarray(at, at + width)).entries())
            worst = Math.max(worst, Math.abs((file.data[at + i] as number) - expected));
        }
      }
      t.diagnostic(`largest difference ${worst.toExponential(1)}`);
      // Sums of 256 products in another order: some units in the last place of 2, which is 2.4e-7.
      assert.ok(worst <= 1e-6, `${worst}`);
    });

    test(`${algorithm.name}, ${what}: no action leaves the Box`, async (t) => {
      const session = await ort.InferenceSession.create(policyModel(setup));
      t.after(() => session.release());
      const rows = 100;
      // So far out that tanh is 1 or −1.
      const observations = normal(rows * sizeOf(observation.shape)).map((x) => 1e6 * x);
      const { data, dims } = await run(session, observations, rows);
      const space = Box.fromDocument(action);
      for (let at = 0; at < data.length; at += dims[1] as number) {
        const action = (data as Float32Array).slice(at, at + space.size);
        assert.ok(space.contains(action), `${action}`);
      }
    });

    test(`${algorithm.name}, ${what}: the size of the batch that was traced stands nowhere in the file`, () => {
      const file = policyModel(setup);
      for (const batch of [3, 7, 256]) assert.ok(Buffer.from(policyModel(setup, batch)).equals(file), `${batch}`);
    });
  }
}

const [algorithm] = algorithms();
assert.ok(algorithm);
const hyperparameters = algorithm.resolve({ hidden_sizes: [4] }, 'none');
const spaces = algorithm.checkSpaces(observed(3), box([1], -2, 2));
const state = algorithm.initialize(hyperparameters, spaces, Pcg64.fromSeed(1));

test('one input and one output, any number of rows, and nothing of the learner', async (t) => {
  const file = policyModel({ algorithm, hyperparameters, spaces, state, about });
  const session = await ort.InferenceSession.create(file);
  t.after(() => session.release());
  assert.deepEqual(
    [...session.inputMetadata, ...session.outputMetadata].map((value) => ({ ...value })),
    [
      { name: 'observation', isTensor: true, type: 'float32', shape: ['N', 3] },
      { name: 'action', isTensor: true, type: 'float32', shape: ['N', 1] },
    ],
  );
  assert.ok(!Buffer.from(file).includes('critic'));
});

test('the file says what it was told to say', () => {
  const { producer, ...said } = readOnnxFile(policyModel({ algorithm, hyperparameters, spaces, state, about }));
  const { description, version, metadata } = about;
  assert.equal(producer, 'gymserve');
  assert.deepEqual(said, { description, version, metadata });
});

test('a parameter that is missing is named', () => {
  const { 'actor/1/bias': _, ...rest } = state;
  assert.throws(
    () => policyModel({ algorithm, hyperparameters, spaces, state: rest, about }),
    (thrown) =>
      thrown instanceof DomainError &&
      thrown.code === 'checkpoint_incompatible' &&
      thrown.message.includes('"actor/1/bias" is missing'),
  );
});
