// Soft policy iteration on the environments whose transitions are a table: the known optima, in the numbers and in play.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionCodec } from '../../../src/agent/action-codec.ts';
import { softPolicyIteration as algorithm } from '../../../src/agent/algorithms/soft-policy-iteration/soft-policy-iteration.ts';
import { onnxCpuEngine } from '../../../src/compute/onnx/engine.ts';
import { make, specs, tabularModel } from '../../../src/envs/registry.ts';
import { DomainError } from '../../../src/errors.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { evaluate } from '../../../src/training/evaluate.ts';
import { valueIteration } from '../../support/tabular-models.ts';

const TOLERANCE = 1e-8;

interface Case {
  readonly id: string;
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly hyperparameters?: Readonly<Record<string, unknown>>;
  readonly episodes: number;
  /** Mean return of the likeliest actions: at least, at most. */
  readonly return: readonly [number, number];
}

const CASES: readonly Case[] = [
  { id: 'FrozenLake-v1', kwargs: { is_slippery: false }, episodes: 1, return: [1, 1] },
  { id: 'FrozenLake-v1', kwargs: { is_slippery: false, map_name: '8x8' }, episodes: 1, return: [1, 1] },
  {
    id: 'FrozenLake-v1',
    kwargs: { is_slippery: false, desc: { size: 12, p: 0.9, seed: 3 } },
    episodes: 1,
    return: [1, 1],
  },
  // Success of the best policy within 100 steps is 0.74; 400 episodes tell it to ±0.09 (four standard deviations).
  { id: 'FrozenLake-v1', episodes: 400, hyperparameters: { temperature: 0, discount: 0.999 }, return: [0.65, 0.83] },
  { id: 'CliffWalking-v1', episodes: 1, return: [-13, -13] },
  { id: 'CliffWalking-v1', hyperparameters: { temperature: 0 }, episodes: 1, return: [-13, -13] },
  { id: 'CliffWalkingSlippery-v1', episodes: 50, return: [-80, -30] },
  // The best mean return from random starts is 7.9.
  { id: 'Taxi-v4', episodes: 200, return: [7.2, 8.6] },
  { id: 'Taxi-v4', kwargs: { is_rainy: true }, episodes: 50, return: [-10, 8] },
];

for (const { id, kwargs = {}, hyperparameters: given = {}, episodes, return: wanted } of CASES) {
  test(`${id} ${JSON.stringify({ ...kwargs, ...given })}`, async (t) => {
    const model = await tabularModel(id, kwargs);
    using env = await make(id, { kwargs });
    const spaces = algorithm.checkSpaces(env.observationSpace.toDocument(), env.actionSpace.toDocument());
    const hyperparameters = algorithm.resolve({ tolerance: TOLERANCE, ...given }, id);
    const state = algorithm.initialize(hyperparameters, spaces, Pcg64.fromSeed(0));
    const planner = algorithm.createPlanner({ hyperparameters, model, state });
    let metrics: Readonly<Record<string, number>> = {};
    let iterations = 0;
    for (let isConverged = false; !isConverged; iterations++) {
      const step = planner.iterate(() => false) ?? assert.fail();
      ({ metrics, isConverged } = step);
      assert.equal('q/min_increase' in metrics, iterations > 0);
      assert.ok((metrics['q/min_increase'] ?? 0) >= -TOLERANCE, `Q fell by ${metrics['q/min_increase']}`);
      assert.ok(iterations < 1000, JSON.stringify(metrics));
    }

    const { temperature, discount } = hyperparameters as Readonly<Record<string, number>>;
    const optimum = valueIteration(model, temperature as number, discount as number, TOLERANCE);
    const { data: q } = planner.getState()['q'] as { data: Float64Array };
    const apart = Math.max(...optimum.q.flat().map((expected, pair) => Math.abs(expected - (q[pair] as number))));
    assert.ok(apart <= 3 * TOLERANCE, `Q is ${apart} from soft value iteration's`);
    const start = model.start.reduce((sum, p, s) => sum + p * (optimum.values[s] as number), 0);
    assert.ok(Math.abs(start - (metrics['value/start'] as number)) <= 3 * TOLERANCE);

    const policy = await algorithm.createPolicy({
      hyperparameters,
      spaces,
      state: planner.policyState(),
      engine: onnxCpuEngine,
    });
    const codec = actionCodec(spaces.action);
    const played = await evaluate({ env, policy, codec, episodes, seed: 1, deterministic: true });
    const mean = played?.returnMean ?? Number.NaN;
    t.diagnostic(`${iterations} iterations, mean return ${mean}, ${JSON.stringify(metrics)}`);
    assert.ok(mean >= wanted[0] && mean <= wanted[1], `a mean return of ${mean}`);
  });
}

for (const { id } of specs()) {
  const isTabular = ['FrozenLake-v1', 'CliffWalking-v1', 'CliffWalkingSlippery-v1', 'Taxi-v4'].includes(id);
  test(`${id} ${isTabular ? 'tells its table' : 'has no table, and says so'}`, async () => {
    if (isTabular) {
      const { states, actions, transitions, start } = await tabularModel(id);
      assert.deepEqual([transitions.length, transitions[0]?.length, start.length], [states, actions, states]);
    } else {
      await assert.rejects(
        tabularModel(id),
        (thrown) => thrown instanceof DomainError && thrown.code === 'unsupported_space',
      );
    }
  });
}

for (const [id, kwargs, remedy] of [
  ['Taxi-v4', { fickle_passenger: true }, /Leave fickle_passenger false/],
  ['FrozenLake-v1', { map_name: null }, /drawn anew.*Give desc a seed/],
  ['FrozenLake-v1', { desc: { size: 4 } }, /drawn anew/],
] as const) {
  test(`${id} ${JSON.stringify(kwargs)} does more than its table says`, async () => {
    await assert.rejects(
      tabularModel(id, kwargs),
      (thrown) => thrown instanceof DomainError && thrown.code === 'invalid_kwargs' && remedy.test(thrown.message),
    );
  });
}
