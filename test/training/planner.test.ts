// Planning as a run: what it reports, when it ends, and that an interrupted one goes on as if nothing had been.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionCodec } from '../../src/agent/action-codec.ts';
import { softPolicyIteration as algorithm } from '../../src/agent/algorithms/soft-policy-iteration/soft-policy-iteration.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import { make, tabularModel } from '../../src/envs/registry.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import type { Tensors } from '../../src/math/tensor.ts';
import { plan } from '../../src/training/planner.ts';
import type { TrainingHooks } from '../../src/training/run.ts';

const ID = 'CliffWalkingSlippery-v1';
const model = await tabularModel(ID);
const env = await make(ID);
const spaces = algorithm.checkSpaces(env.observationSpace.toDocument(), env.actionSpace.toDocument());
const hyperparameters = algorithm.resolve({ temperature: 0.5 }, ID);

interface Saved {
  readonly timesteps: number;
  readonly model: Tensors;
  readonly experience: Tensors;
}

interface Ran {
  readonly outcome: string;
  /** Rows of metrics, in the order in which they came. */
  readonly rows: [number, Readonly<Record<string, number>>][];
  readonly evaluations: [number, number][];
  readonly checkpoints: Saved[];
}

interface Wanted {
  readonly from?: Saved;
  readonly resumes?: boolean;
  readonly endTimesteps?: number;
  readonly checkpointEvery?: number;
  readonly evaluateEvery?: number;
  readonly cancelAfter?: number;
}

async function run(wanted: Wanted = {}): Promise<Ran> {
  const { from, resumes = false, endTimesteps = 1000, cancelAfter = Number.POSITIVE_INFINITY } = wanted;
  const state = from?.model ?? algorithm.initialize(hyperparameters, spaces, Pcg64.fromSeed(0));
  const ran: Omit<Ran, 'outcome'> = { rows: [], evaluations: [], checkpoints: [] };
  const hooks: TrainingHooks = {
    isCancelled: () => ran.rows.length >= cancelAfter,
    takeCheckpointRequest: () => false,
    progress() {},
    metrics: (timesteps, values) => void ran.rows.push([timesteps, values]),
    episode() {},
    evaluated: (timesteps, { returnMean }) => void ran.evaluations.push([timesteps, returnMean]),
    restored() {},
    checkpoint: (timesteps, { model, experience }) =>
      void ran.checkpoints.push({ timesteps, model, experience: experience.tensors }),
    publish() {},
  };
  const policy = await algorithm.createPolicy({ hyperparameters, spaces, state, engine: onnxCpuEngine });
  const outcome = await plan(
    {
      planner: algorithm.createPlanner({ hyperparameters, model, state }),
      codec: actionCodec(spaces.action),
      timesteps: from?.timesteps ?? 0,
      endTimesteps,
      experience: () => from?.experience ?? null,
      resumes,
      evaluation:
        wanted.evaluateEvery === undefined
          ? null
          : {
              env,
              policy,
              everyTimesteps: wanted.evaluateEvery,
              episodes: 2,
              seed: 5,
              targetReturn: null,
              patience: null,
            },
      checkpointEveryTimesteps: wanted.checkpointEvery ?? null,
      checkpointEverySeconds: null,
    },
    hooks,
  );
  return { outcome, ...ran };
}

test('a run ends once another evaluation finds nothing to correct, and says so', async () => {
  const { outcome, rows, checkpoints } = await run();
  assert.equal(outcome, 'converged');
  assert.deepEqual(
    rows.map(([timesteps]) => timesteps),
    rows.map((_, i) => i + 1),
  );
  assert.deepEqual(
    rows.map(([, metrics]) => metrics['evaluation/sweeps'] === 0),
    rows.map((_, i) => i + 1 === rows.length),
  );
  assert.deepEqual(
    checkpoints.map(({ timesteps }) => timesteps),
    [rows.length],
  );
  const { outcome: again, rows: more } = await run({ from: checkpoints.at(-1) as Saved });
  assert.equal(again, 'converged');
  assert.equal(more.length, 1, 'one more iteration, asked for anew, sees that there is no better policy');
  assert.equal(more[0]?.[1]['q/max_change'], 0);
});

test('a run ends after the iterations that were asked for', async () => {
  const { outcome, rows } = await run({ endTimesteps: 2 });
  assert.deepEqual([outcome, rows.length], ['finished', 2]);
});

test('evaluations come before the first iteration, as planned, and of the policy it ends with', async () => {
  const { rows, evaluations } = await run({ evaluateEvery: 3 });
  const last = rows.length;
  const planned = rows.map(([timesteps]) => timesteps).filter((timesteps) => timesteps % 3 === 0 || timesteps === last);
  assert.deepEqual(
    evaluations.map(([timesteps]) => timesteps),
    [0, ...planned],
  );
  // The first of equal actions leads nowhere, and an episode without a time limit is cut.
  assert.ok((evaluations[0]?.[1] ?? 0) <= -10_000);
});

test('from every checkpoint on, a run becomes what it would have become', async () => {
  const wanted = { checkpointEvery: 1, evaluateEvery: 2 };
  const straight = await run(wanted);
  assert.ok(straight.checkpoints.length >= 4);
  for (const from of straight.checkpoints) {
    const resumed = await run({ ...wanted, from, resumes: true });
    assert.equal(resumed.outcome, 'converged');
    assert.deepEqual(
      resumed.rows,
      straight.rows.filter(([timesteps]) => timesteps > from.timesteps),
    );
    assert.deepEqual(
      resumed.evaluations,
      straight.evaluations.filter(([timesteps]) => timesteps > from.timesteps),
    );
    if (from.timesteps < straight.rows.length)
      assert.deepEqual(resumed.checkpoints.at(-1), straight.checkpoints.at(-1));
  }
});

test('a cancelled run leaves a checkpoint of its last whole iteration', async () => {
  const { outcome, checkpoints } = await run({ cancelAfter: 2 });
  assert.equal(outcome, 'cancelled');
  assert.equal(checkpoints.at(-1)?.timesteps, 2);
});
