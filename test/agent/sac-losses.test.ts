// Every loss of SAC: its gradient against central differences in float64, and the squashed Gaussian as a density.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import {
  criticLoss,
  criticTarget,
  policyLoss,
  softValue,
  temperatureLoss,
  valueLoss,
} from '../../src/agent/algorithms/sac/losses.ts';
import { mlp, mlpShapes } from '../../src/agent/nn/mlp.ts';
import { gaussianHead, logProbability, squashedAction } from '../../src/agent/nn/squashed-gaussian.ts';
import { evaluate, type Float64Record } from '../../src/compute/reference/evaluate.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { uniform, worstGradientError } from '../compute/support.ts';
import { freshSeed } from '../support/seed.ts';

const [BATCH, OBSERVATION, ACTION, HIDDEN] = [5, 3, 2, 4];
type Shapes = Readonly<Record<string, readonly number[]>>;
type Tensors = Readonly<Record<string, tf.Tensor>>;

const network = (name: string, sizes: readonly number[]): Shapes =>
  Object.fromEntries(
    Object.entries(mlpShapes({ sizes, layerNorm: false })).map(([place, shape]) => [`${name}/${place}`, shape]),
  );

const ACTOR = network('actor', [OBSERVATION, HIDDEN, 2 * ACTION]);
const VALUE = network('value', [OBSERVATION, HIDDEN, 1]);
const CRITICS = {
  ...network('q1', [OBSERVATION + ACTION, HIDDEN, 1]),
  ...network('q2', [OBSERVATION + ACTION, HIDDEN, 1]),
};
const DATA = { observation: [BATCH, OBSERVATION], action: [BATCH, ACTION], noise: [BATCH, ACTION], y: [BATCH, 1] };

const parameters = (tensors: Tensors): ReadonlyMap<string, tf.Tensor> => new Map(Object.entries(tensors));
const q = (x: Tensors, name: string, action: tf.Tensor): tf.Tensor =>
  mlp(parameters(x), name, tf.concat([x['observation'] as tf.Tensor, action], 1));

interface LossCase {
  readonly name: string;
  readonly wrt: Shapes;
  readonly data: Shapes;
  readonly loss: (x: Tensors) => tf.Tensor;
}

const CASES: readonly LossCase[] = [
  {
    name: 'critic loss, by both critics',
    wrt: CRITICS,
    data: DATA,
    loss: (x) =>
      criticLoss(
        ['q1', 'q2'].map((name) => q(x, name, x['action'] as tf.Tensor)),
        x['y'] as tf.Tensor,
      ),
  },
  {
    name: 'value loss, by the value network',
    wrt: VALUE,
    data: DATA,
    loss: (x) => valueLoss(mlp(parameters(x), 'value', x['observation'] as tf.Tensor), x['y'] as tf.Tensor),
  },
  {
    name: 'policy loss, by the actor through tanh, log-probability and the smaller critic',
    wrt: ACTOR,
    data: { ...DATA, ...CRITICS },
    loss: (x) => {
      const head = gaussianHead(mlp(parameters(x), 'actor', x['observation'] as tf.Tensor));
      const action = squashedAction(head, x['noise'] as tf.Tensor);
      return policyLoss(
        tf.scalar(0.3),
        logProbability(head, x['noise'] as tf.Tensor),
        tf.minimum(q(x, 'q1', action), q(x, 'q2', action)),
      );
    },
  },
  {
    name: 'temperature loss, by log α',
    wrt: { logAlpha: [] },
    data: DATA,
    loss: (x) => temperatureLoss(x['logAlpha'] as tf.Tensor, x['y'] as tf.Tensor, -ACTION),
  },
];

for (const { name, wrt, data, loss } of CASES) {
  test(`the gradient of the ${name}, is that of central differences`, (context) => {
    const rng = Pcg64.fromSeed(freshSeed(context));
    const names = Object.keys(wrt);
    const graph = trace(
      (_, x) => {
        const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) =>
          loss({ ...x, ...Object.fromEntries(names.map((key, index) => [key, tensors[index] as tf.Tensor])) }),
        )(names.map((key) => x[key] as tf.Tensor));
        return { loss: value, ...Object.fromEntries(names.map((key, index) => [key, grads[index] as tf.Tensor])) };
      },
      { state: {}, inputs: { ...data, ...wrt } as Shapes },
    );
    const inputs = Object.fromEntries(
      Object.entries({ ...data, ...wrt }).map(([key, shape]) => [key, uniform(rng, shape, -1, 1)]),
    );
    const at = (values: Float64Record): number =>
      (evaluate(graph, values, {}).outputs['loss'] as Float64Array)[0] as number;
    const { loss: _value, ...gradients } = evaluate(graph, inputs, {}).outputs;
    const { error, where } = worstGradientError(at, inputs, gradients);
    assert.ok(error < 1e-6, where);
  });
}

test('the target is the reward and what the bootstrap leaves of the soft value', () => {
  const graph = trace(
    (_, x) => ({
      y: criticTarget(x.reward, x.bootstrap, softValue(x.nextQ, tf.scalar(0.5), x.logProbability)),
    }),
    { state: {}, inputs: { reward: [2, 1], bootstrap: [2, 1], nextQ: [2, 1], logProbability: [2, 1] } },
  );
  const { outputs } = evaluate(
    graph,
    {
      reward: Float64Array.of(6, 6),
      bootstrap: Float64Array.of(0, 0.9),
      nextQ: Float64Array.of(10, 10),
      logProbability: Float64Array.of(-4, -4),
    },
    {},
  );
  const [terminated, continued] = outputs['y'] as Float64Array;
  assert.equal(terminated, 6);
  assert.ok(Math.abs((continued as number) - (6 + 0.9 * (10 + 0.5 * 4))) < 1e-12);
});

test('the density of the squashed Gaussian integrates to one', () => {
  const points = 4001;
  const graph = trace(
    (_, { mean, logStd, noise }) => {
      const head = { mean, logStd };
      return { action: squashedAction(head, noise), logProbability: logProbability(head, noise) };
    },
    { state: {}, inputs: { mean: [points, 1], logStd: [points, 1], noise: [points, 1] } },
  );
  for (const [mean, logStd] of [
    [0, 0],
    [1.5, -1],
    [-3, 0.7],
    [6, 1],
  ] as const) {
    // ∫ π(a) da = ∫ π(a(ε)) |da/dε| dε; ε is walked evenly over ±9 and the trapezoid rule is taken in a: exact to its step².
    const noise = Float64Array.from({ length: points }, (_, index) => -9 + (18 * index) / (points - 1));
    const { outputs } = evaluate(
      graph,
      { mean: new Float64Array(points).fill(mean), logStd: new Float64Array(points).fill(logStd), noise },
      {},
    );
    const [action, log] = [outputs['action'] as Float64Array, outputs['logProbability'] as Float64Array];
    let integral = 0;
    for (let index = 1; index < points; index += 1) {
      const width = (action[index] as number) - (action[index - 1] as number);
      integral += (width * (Math.exp(log[index] as number) + Math.exp(log[index - 1] as number))) / 2;
    }
    assert.ok(Math.abs(integral - 1) < 1e-4, `μ ${mean}, log σ ${logStd}: ${integral}`);
  }
});

test('the log-probability does not saturate where tanh does', () => {
  const graph = trace(
    (_, { noise }) => ({ y: logProbability({ mean: tf.fill([1, 1], 20), logStd: tf.zeros([1, 1]) }, noise) }),
    { state: {}, inputs: { noise: [1, 1] } },
  );
  const { outputs } = evaluate(graph, { noise: Float64Array.of(0) }, {});
  // log N(0) − log(1 − tanh²20) = −½ log 2π + 2(20 − log 2) to within e⁻⁴⁰.
  const expected = -0.5 * Math.log(2 * Math.PI) + 2 * (20 - Math.LN2);
  assert.ok(Math.abs(((outputs['y'] as Float64Array)[0] as number) - expected) < 1e-5);
});
