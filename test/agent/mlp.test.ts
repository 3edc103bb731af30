// Layers by themselves: activations and layer normalisation against formulas written by hand, and their gradients.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { ACTIVATIONS, type Activation, initializeMlp, mlp, mlpShapes } from '../../src/agent/nn/mlp.ts';
import { evaluate } from '../../src/compute/reference/evaluate.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { nest } from '../../src/math/tensor.ts';
import { assertClose, uniform } from '../compute/support.ts';
import { freshSeed } from '../support/seed.ts';
import { differences, forward, layerNormalized, type Numbers } from './support/plain-sac.ts';

const [BATCH, SIZES] = [4, [3, 6, 5, 2]] as const;

for (const layerNorm of [false, true]) {
  for (const activation of Object.keys(ACTIVATIONS) as Activation[]) {
    const what = `${activation}${layerNorm ? ' after layer normalisation' : ''}`;
    test(`layers with ${what} are those of the formula, and their gradient that of central differences`, (context) => {
      const rng = Pcg64.fromSeed(freshSeed(context));
      const shapes = Object.fromEntries(
        Object.entries(mlpShapes({ sizes: SIZES, layerNorm })).map(([name, shape]) => [`net/${name}`, shape]),
      );
      const names = ['x', ...Object.keys(shapes)];
      const graph = trace(
        (_, tensors) => {
          const run = (...given: tf.Tensor[]): tf.Tensor => {
            const named = new Map(names.map((name, index) => [name, given[index] as tf.Tensor]));
            return mlp(named, 'net', named.get('x') as tf.Tensor, activation);
          };
          const given = names.map((name) => tensors[name] as tf.Tensor);
          const loss = (...moved: tf.Tensor[]): tf.Tensor =>
            tf.sum(tf.mul(run(...moved), tensors['weights'] as tf.Tensor));
          const { value, grads } = tf.valueAndGrads(loss)(given);
          return {
            y: run(...given),
            loss: value,
            ...Object.fromEntries(names.map((name, index) => [`by/${name}`, grads[index] as tf.Tensor])),
          };
        },
        { state: {}, inputs: { x: [BATCH, 3], weights: [BATCH, 2], ...shapes } as Record<string, number[]> },
      );
      const inputs = Object.fromEntries(
        [...graph.inputs].map(([name, { shape }]) => [name, uniform(rng, shape, -1, 1)]),
      );
      const { outputs } = evaluate(graph, inputs, {});

      const parameters = new Map(Object.entries(inputs).map(([name, values]) => [name, [...values]]));
      const x = [...(inputs['x'] as Float64Array)];
      const rows = Array.from({ length: BATCH }, (_, row) =>
        forward(parameters, 'net', x.slice(3 * row, 3 * row + 3), activation),
      );
      // The same few sums in float64, but for ε, which a program holds in float32: 3e-13 beside variances from 1e-4 on.
      assertClose(outputs['y'] as Float64Array, rows.flat(), { absolute: 1e-8, relative: 1e-8 }, 'y');

      const loss = (p: Numbers): number => {
        const [given, weights] = [p.get('x'), p.get('weights')] as [number[], number[]];
        const y = Array.from({ length: BATCH }, (_, row) =>
          forward(p, 'net', given.slice(3 * row, 3 * row + 3), activation),
        );
        return y.flat().reduce((sum, value, place) => sum + value * (weights[place] as number), 0);
      };
      // Differences leave 1e-8; where variances are small, layer normalisation makes gradients of some hundred.
      for (const [name, gradient] of differences(parameters, names, loss))
        assertClose(outputs[`by/${name}`] as Float64Array, gradient, { absolute: 2e-6, relative: 1e-5 }, name);
    });
  }
}

test('a normalised layer has mean and spread as its offset and scale say, whatever the units of what comes in', () => {
  const h = [3, -1, 4, 1, -5, 9, 2, 6];
  const [ones, zeros] = [h.map(() => 1), h.map(() => 0)];
  const normal = layerNormalized(h, ones, zeros);
  assert.ok(Math.abs(normal.reduce((sum, value) => sum + value, 0)) < 1e-12);
  const graph = trace(
    (_, { x, kernel, bias, scale, offset, out, none }) => ({
      y: mlp(
        new Map(
          Object.entries({
            'n/0/kernel': kernel,
            'n/0/bias': bias,
            'n/0/scale': scale,
            'n/0/offset': offset,
            'n/1/kernel': out,
            'n/1/bias': none,
          }),
        ),
        'n',
        x,
        'elu',
      ),
    }),
    {
      state: {},
      inputs: { x: [1, 1], kernel: [1, 8], bias: [8], scale: [8], offset: [8], out: [8, 8], none: [8] },
    },
  );
  const identity = Float64Array.from({ length: 64 }, (_, i) => Number(i % 9 === 0));
  // Far above 0, where ELU changes nothing.
  const offset = new Float64Array(8).fill(7);
  const run = (units: number): Float64Array =>
    evaluate(
      graph,
      {
        x: Float64Array.of(units),
        kernel: Float64Array.from(h),
        bias: new Float64Array(8),
        scale: new Float64Array(8).fill(2),
        offset,
        out: identity,
        none: new Float64Array(8),
      },
      {},
    ).outputs['y'] as Float64Array;
  assertClose(
    run(1),
    normal.map((value) => 2 * value + 7),
    { absolute: 1e-12, relative: 0 },
    'units 1',
  );
  // ε = 1e-5 beside a variance of 16 is 3e-7 of the value.
  assertClose(run(1000), run(1), { absolute: 3e-6, relative: 0 }, 'units 1000');
});

test('normalisations begin as the identity and stand on hidden layers alone', () => {
  const fresh = initializeMlp({ sizes: SIZES, layerNorm: true }, Pcg64.fromSeed(1));
  assert.deepEqual(
    Object.keys(nest('n', fresh)).filter((name) => /scale|offset/.test(name)),
    ['n/0/scale', 'n/0/offset', 'n/1/scale', 'n/1/offset'],
  );
  assert.deepEqual(fresh['0/scale']?.data, new Float32Array(6).fill(1));
  assert.deepEqual(fresh['1/offset']?.data, new Float32Array(5));
  // They draw nothing: kernels and biases are those of a network without.
  const plain = initializeMlp({ sizes: SIZES, layerNorm: false }, Pcg64.fromSeed(1));
  for (const [name, tensor] of Object.entries(plain)) assert.deepEqual(fresh[name], tensor, name);
});
