// A traced program means what the same function means in eager tfjs: scopes, gradients within gradients, variables that change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { evaluate } from '../../src/compute/reference/evaluate.ts';
import { type Program, type Shapes, trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { runEagerly } from './eager.ts';
import { assertClose, uniform } from './support.ts';

// A handful of float32 operations on numbers below 10.
const FLOAT32 = { absolute: 1e-5, relative: 1e-5 };

const signature = { state: { w: [4], v: [4] }, inputs: { x: [4], matrix: [3, 4] } } as const;
type State = { readonly w: tf.Variable; readonly v: tf.Variable };
type Inputs = { readonly x: tf.Tensor; readonly matrix: tf.Tensor };
type Case = (state: State, inputs: Inputs) => Readonly<Record<string, tf.Tensor>>;

const sumOfSquares = (x: tf.Tensor): tf.Tensor => tf.sum(tf.square(x));

const CASES: Readonly<Record<string, Case>> = {
  'what a nested tidy returns lives on, what it does not is not missed': ({ w }, { x }) => ({
    y: tf.tidy(() => {
      const inner = tf.tidy(() => {
        tf.exp(tf.exp(x));
        return tf.mul(w, x);
      });
      return tf.add(
        inner,
        tf.tidy(() => tf.square(inner)),
      );
    }),
  }),
  'a tensor may be disposed once it was used': ({ w }, { x }) => {
    const product = tf.mul(w, x);
    const y = tf.add(product, 1);
    product.dispose();
    return { y };
  },
  'customGrad brings its own gradient, and saves what that needs': (_, { x }) => {
    const clipped = tf.customGrad((...args: unknown[]) => {
      const [at, save] = args as [tf.Tensor, tf.GradSaveFunc];
      save([at]);
      return {
        value: tf.square(at),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, tf.clipByValue(saved[0] as tf.Tensor, -0.5, 0.5)),
      };
    });
    return { y: clipped(x), gradient: tf.grad((at) => tf.sum(tf.mul(clipped(at), at)))(x) };
  },
  'a gradient is a tensor like another, also in a gradient': (_, { x }) => {
    const slope = tf.grad((at) => tf.sum(tf.mul(at, sumOfSquares(at))));
    return { first: slope(x), second: tf.grad((at) => tf.sum(tf.tanh(slope(at))))(x) };
  },
  'gradients by several tensors, and with a given dy': ({ w }, { x, matrix }) => {
    const [dx, dw] = tf.grads((a, b) => tf.sum(tf.mul(tf.dot(matrix as tf.Tensor2D, a), tf.sum(b))))([x, w]) as [
      tf.Tensor,
      tf.Tensor,
    ];
    return { dx, dw, weighted: tf.grad((at) => tf.square(at))(x, tf.mul(x, 3)) };
  },
  'what was computed outside of the differentiated function is a constant in it': ({ w }, { x }) => {
    const outside = tf.square(w);
    const { value, grads } = tf.variableGrads(() => tf.sum(tf.mul(tf.mul(outside, w), x)), [w]);
    return { value, gradient: grads['w'] as tf.Tensor };
  },
  'a variable within and a tensor made from it outside have gradients of their own': ({ w, v }, { x }) => {
    const { grads } = tf.variableGrads(() => tf.sum(tf.mul(tf.exp(w), tf.add(v, x))), [w, v]);
    return { w: grads['w'] as tf.Tensor, v: grads['v'] as tf.Tensor };
  },
  'a variable that is read twice has the sum of both gradients': ({ w }, { x }) => {
    const { grads } = tf.variableGrads(() => tf.sum(tf.add(tf.mul(w, x), tf.mul(w, tf.square(w)))), [w]);
    return { gradient: grads['w'] as tf.Tensor };
  },
  'a variable that is assigned twice shows each reader what was assigned before it': ({ w }, { x }) => {
    const first = tf.add(w, 0);
    w.assign(tf.add(w, x));
    const second = tf.add(w, 0);
    w.assign(tf.mul(w, w));
    return { first, second, third: tf.neg(w) };
  },
  'a gradient step changes what the next loss sees': ({ w, v }, { x }) => {
    const loss = (): tf.Scalar => tf.sum(tf.square(tf.sub(tf.mul(w, x), v))) as tf.Scalar;
    const losses = [0.1, 0.05].map((rate) => {
      const { value, grads } = tf.variableGrads(loss, [w, v]);
      for (const one of [w, v]) one.assign(tf.sub(one, tf.mul(grads[one.name] as tf.Tensor, rate)));
      return value;
    });
    return { before: losses[0] as tf.Tensor, between: losses[1] as tf.Tensor, after: loss() };
  },
  'two variables change places': ({ w, v }) => {
    const held = tf.clone(w);
    w.assign(v.clone());
    v.assign(held);
    return {};
  },
  'an optimiser of tfjs takes its step': ({ w }, { x }) => {
    const optimiser = tf.train.sgd(0.1);
    const cost = optimiser.minimize(() => tf.sum(tf.square(tf.sub(w, x))) as tf.Scalar, true, [w]);
    return { cost: cost as tf.Tensor };
  },
  'chained methods are the same ops': ({ w }, { matrix }) => ({
    y: tf.mean(tf.relu(tf.sub(tf.mul(matrix, w), tf.max(matrix, 1, true))), 0),
  }),
  'a loop and a condition on shapes unfold': ({ w }, { matrix }) => {
    let y: tf.Tensor = w;
    for (const row of tf.unstack(matrix)) y = row.shape[0] === 4 ? tf.tanh(tf.add(y, row)) : y;
    return { y };
  },
  'numbers, arrays and truth values mix in as they do in tfjs': (_, { x }) => ({
    y: tf.add(tf.mul(x, [1, 2, 3, 4]), 0.5),
    truth: tf.logicalOr(tf.greater(x, 0.5), tf.logicalNot(tf.lessEqual(x, [0, 0.25, -0.25, 0]))),
    counted: tf.mul(tf.greater(x, 0), x),
  }),
};

for (const [sentence, program] of Object.entries(CASES)) {
  test(sentence, async () => {
    const rng = Pcg64.fromSeed(11);
    const draw = (shapes: Shapes) =>
      Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, uniform(rng, shape, -1.5, 1.5)]));
    const [inputs, state] = [draw(signature.inputs), draw(signature.state)];
    const traced = evaluate(trace(program, signature), inputs, state);
    const eager = await runEagerly(program as unknown as Program<Shapes, Shapes>, signature, inputs, state);
    for (const part of ['outputs', 'state'] as const) {
      assert.deepEqual(Object.keys(eager[part]), Object.keys(traced[part]));
      for (const [name, values] of Object.entries(traced[part])) {
        assertClose(eager[part][name] as Float64Array, values, FLOAT32, `${part} ${name}`);
      }
    }
  });
}
