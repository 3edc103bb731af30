// What tracing promises beside the right graph: errors that name the culprit, and nothing left behind in tfjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { topological } from '../../src/compute/nodes.ts';
import { evaluate } from '../../src/compute/reference/evaluate.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { DomainError } from '../../src/errors.ts';

const oneVector = { state: {}, inputs: { x: [3] } } as const;

function untraceable(run: () => unknown, ...words: string[]): void {
  assert.throws(run, (thrown: unknown) => {
    assert.ok(thrown instanceof DomainError && thrown.code === 'untraceable', String(thrown));
    for (const word of words) assert.ok(thrown.message.includes(word), `"${thrown.message}" should name ${word}`);
    return true;
  });
}

test('the last value assigned to a variable is the next state, and reads see what was assigned before', () => {
  const graph = trace(
    ({ counter }, { x }) => {
      counter.assign(tf.add(counter, x));
      counter.assign(tf.mul(counter, 2));
      return { seen: tf.sub(counter, 1) };
    },
    { state: { counter: [3], untouched: [2] }, inputs: { x: [3] } },
  );
  const result = evaluate(
    graph,
    { x: Float64Array.of(1, 2, 3) },
    { counter: Float64Array.of(10, 20, 30), untouched: Float64Array.of(7, 8) },
  );
  assert.deepEqual([...(result.state['counter'] as Float64Array)], [22, 44, 66]);
  assert.deepEqual([...(result.state['untouched'] as Float64Array)], [7, 8]);
  assert.deepEqual([...(result.outputs['seen'] as Float64Array)], [21, 43, 65]);
});

test('variableGrads gives gradients by the names of the state', () => {
  const graph = trace(
    ({ 'layer/0': w }, { x }) => ({
      gradient: tf.variableGrads(() => tf.sum(tf.mul(w, tf.square(x))), [w]).grads['layer/0'] as tf.Tensor,
    }),
    { state: { 'layer/0': [3] }, inputs: { x: [3] } },
  );
  const { outputs } = evaluate(graph, { x: Float64Array.of(1, 2, 3) }, { 'layer/0': Float64Array.of(0, 0, 0) });
  assert.deepEqual([...(outputs['gradient'] as Float64Array)], [1, 4, 9]);
});

test('a kernel without a rule is named', () =>
  untraceable(() => trace((_, { x }) => ({ y: tf.erf(x) }), oneVector), 'Erf'));

test('reading a value says from which op it came', () => {
  untraceable(
    () => trace((_, { x }) => ({ y: tf.scalar(tf.tanh(x).dataSync()[0] as number) }), oneVector),
    'tanh',
    'dataSync',
  );
  untraceable(
    () => trace((_, { x }) => ({ y: tf.scalar((x.arraySync() as number[])[0] as number) }), oneVector),
    'input "x"',
  );
});

test('a state that changes its shape is named', () =>
  untraceable(
    () =>
      trace(
        ({ w }) => {
          w.assign(tf.zeros([4]) as tf.Tensor);
          return { w };
        },
        { state: { w: [3] }, inputs: {} },
      ),
    '"w"',
    '[3]',
    '[4]',
  ));

test('a matrix product of batches is refused, one of a single batch is rank 2', () => {
  untraceable(() => trace((_, { x }) => ({ y: tf.matMul(x, x) }), { state: {}, inputs: { x: [2, 3, 3] } }), '[2,3,3]');
  const graph = trace((_, { x }) => ({ y: tf.matMul(x, x) }), { state: {}, inputs: { x: [1, 3, 3] } });
  const product = topological(graph).find(({ op }) => op.kind === 'matmul');
  assert.deepEqual(product?.shape, [3, 3]);
});

test('tracing within tracing is refused', () =>
  untraceable(
    () =>
      trace(() => {
        trace(() => ({}), { state: {}, inputs: {} });
        return {};
      }, oneVector),
    'one at a time',
  ));

test('the backend, tensors and variables of before are there afterwards, whether tracing succeeds or fails', async () => {
  await tf.setBackend('cpu');
  const outside = tf.tensor1d([1, 2, 3]);
  const variable = tf.variable(tf.scalar(1), true, 'w');
  const good = (): unknown =>
    trace(
      ({ w }, { x }) => {
        const { value, grads } = tf.variableGrads(() => tf.sum(tf.mul(tf.tanh(tf.mul(w, x)), outside)), [w]);
        w.assign(tf.sub(w, grads['w'] as tf.Tensor));
        return { value };
      },
      { state: { w: [3] }, inputs: { x: [3] } },
    );
  const bad = (): unknown =>
    trace(({ w }) => ({ y: tf.variableGrads(() => tf.sum(tf.mul(tf.tanh(w), tf.erf(w))), [w]).value }), {
      state: { w: [3] },
      inputs: {},
    });
  good();
  assert.throws(bad);
  const before = tf.memory();
  for (let round = 0; round < 5; round += 1) {
    good();
    assert.throws(bad);
  }
  const after = tf.memory();
  assert.equal(after.numTensors, before.numTensors);
  assert.equal(after.numDataBuffers, before.numDataBuffers);
  assert.equal(tf.getBackend(), 'cpu');
  assert.deepEqual([...outside.dataSync()], [1, 2, 3], 'a tensor that the program captured still has its values');
  assert.equal(tf.engine().registeredVariables['w'], variable);
  // An error within a gradient left tfjs able to take the next one.
  assert.deepEqual(
    [
      ...tf
        .grad((x) => tf.sum(tf.square(x)))(outside)
        .dataSync(),
    ],
    [2, 4, 6],
  );
  variable.dispose();
});

test('the same program is traced to the same graph', () => {
  const kinds = (): unknown =>
    topological(trace((_, { x }) => ({ y: tf.softplus(tf.neg(x)) }), oneVector)).map(({ id, op, shape }) => [
      id,
      op,
      shape,
    ]);
  assert.deepEqual(kinds(), kinds());
});
