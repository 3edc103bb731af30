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

const oneState = { state: { w: [3] }, inputs: {} } as const;

function untraceable(run: () => unknown, ...words: (string | RegExp)[]): void {
  assert.throws(run, (thrown: unknown) => {
    assert.ok(thrown instanceof DomainError && thrown.code === 'untraceable', String(thrown));
    for (const word of words) {
      const said = typeof word === 'string' ? thrown.message.includes(word) : word.test(thrown.message);
      assert.ok(said, `"${thrown.message}" should name ${word}`);
    }
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

/** This file, with the line and column of the call; a `.ts` where Node follows source maps. */
const HERE = /Called at trace\.test\.[jt]s:\d+:\d+\.$/;

test('a kernel without a rule is named, and where it was called', () => {
  untraceable(() => trace((_, { x }) => ({ y: tf.erf(x) }), oneVector), 'Erf', HERE);
  const deep = (x: tf.Tensor): tf.Tensor => tf.tidy(() => tf.tidy(() => tf.grad((at) => tf.sum(tf.floor(at)))(x)));
  untraceable(() => trace((_, { x }) => ({ y: deep(x) }), oneVector), 'Floor', HERE);
});

test('a gradient without a rule is named', () => {
  tf.registerKernel({ kernelName: 'Erf', backendName: 'trace', kernelFunc: ({ inputs }) => inputs['x'] as tf.Tensor });
  try {
    const slope = tf.grad((x) => tf.sum(tf.erf(tf.mul(x, 2))));
    untraceable(() => trace((_, { x }) => ({ y: slope(x) }), oneVector), '"Erf" has no gradient', HERE);
  } finally {
    tf.unregisterKernel('Erf', 'trace');
  }
});

test('reading a value says from which op it came, and where it was read', () => {
  untraceable(
    () => trace((_, { x }) => ({ y: tf.scalar(tf.tanh(x).dataSync()[0] as number) }), oneVector),
    'tanh',
    'dataSync',
    HERE,
  );
  untraceable(
    () => trace((_, { x }) => ({ y: tf.scalar((x.arraySync() as number[])[0] as number) }), oneVector),
    'input "x"',
    HERE,
  );
});

test('types that no engine computes in are named', () => {
  const program = (compute: (x: tf.Tensor) => tf.Tensor) => () => trace((_, { x }) => ({ y: compute(x) }), oneVector);
  untraceable(
    program((x) => tf.cast(x, 'int32')),
    'int32',
    HERE,
  );
  untraceable(
    program((x) => tf.sum(tf.greater(x, 0))),
    'int32',
    HERE,
  );
  untraceable(
    program((x) => tf.concat([tf.tensor1d(['a', 'b'], 'string'), x])),
    'string',
  );
  untraceable(
    program((x) => tf.complex(x, x)),
    'Complex',
    HERE,
  );
  untraceable(
    program((x) => tf.argMax(x)),
    'ArgMax',
    HERE,
  );
});

test('a shape without elements is named', () => {
  untraceable(
    () => trace((_, { x }) => ({ y: tf.neg(x) }), { state: {}, inputs: { x: [0, 3] } }),
    'Input "x"',
    '[0,3]',
  );
  untraceable(() => trace(({ w }) => ({ y: tf.neg(w) }), { state: { w: [2.5] }, inputs: {} }), 'State "w"', '[2.5]');
  untraceable(() => trace((_, { x }) => ({ y: tf.slice(x, [1], [0]) }), oneVector), 'slice', '[0]', HERE);
  untraceable(() => trace((_, { x }) => ({ y: tf.concat([x, tf.tensor1d([])]) }), oneVector), '[0]', HERE);
});

test('an output that is no tensor, or is gone, is named', () => {
  untraceable(() => trace((_, { x }) => ({ size: x.size as unknown as tf.Tensor }), oneVector), '"size"', 'number');
  untraceable(
    () =>
      trace((_, { x }) => {
        const y = tf.neg(x);
        y.dispose();
        return { y };
      }, oneVector),
    'disposed',
  );
});

test('a variable made within the program is refused: it would start anew at each call', () =>
  untraceable(
    () =>
      trace(({ w }) => {
        tf.train.adam(0.1).minimize(() => tf.sum(w) as tf.Scalar, false, [w]);
        return {};
      }, oneState),
    'variable',
    'Make it a state',
  ));

test('indices that are not known are refused with the remedy', () => {
  const asIndices = (x: tf.Tensor): tf.Tensor1D => Object.assign(tf.neg(x), { dtype: 'int32' }) as tf.Tensor1D;
  untraceable(() => trace((_, { x }) => ({ y: tf.gather(x, asIndices(x)) }), oneVector), 'gather', 'one-hot', HERE);
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

test('a state that is assigned truth values is named', () =>
  untraceable(
    () =>
      trace(({ w }) => {
        w.assign(tf.greater(w, 0) as unknown as tf.Tensor1D);
        return {};
      }, oneState),
    '"w"',
    'bool',
  ));

test('a matrix product of batches is several of rank 2, or one where a matrix is shared, or a sum where there are many', () => {
  const products = (a: readonly number[], b: readonly number[]): unknown =>
    topological(trace((_, x) => ({ y: tf.matMul(x.a, x.b) }), { state: {}, inputs: { a, b } }))
      .filter(({ op }) => op.kind === 'matmul')
      .map(({ shape }) => shape);
  assert.deepEqual(products([1, 3, 3], [1, 3, 3]), [[3, 3]]);
  assert.deepEqual(products([2, 3, 4], [2, 4, 5]), [
    [3, 5],
    [3, 5],
  ]);
  assert.deepEqual(products([20, 3, 4], [4, 5]), [[60, 5]]);
  assert.deepEqual(products([20, 3, 4], [20, 4, 5]), []);
  untraceable(() => products([300, 64, 64], [300, 64, 64]), '300', 'Split the batch');
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
