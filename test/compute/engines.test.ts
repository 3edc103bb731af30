// What every engine promises, each against the same cases; and the registry.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { Engine } from '../../src/compute/engine.ts';
import { engines, findEngine, selfTest } from '../../src/compute/engines.ts';
import { nodeMaker } from '../../src/compute/nodes.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import { referenceEngine } from '../../src/compute/reference/engine.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { DomainError } from '../../src/errors.ts';
import type { Tensor } from '../../src/math/tensor.ts';

/** sum ← sum + x, twice the same value out; `kept` is only read, `swapped` takes what `kept` is. */
const accumulator = () =>
  trace(
    ({ sum, kept, swapped }, { x }) => {
      sum.assign(tf.add(sum, x));
      swapped.assign(kept);
      return { total: sum, again: sum, product: tf.mul(sum, kept), constant: tf.tensor1d([5, 6]) };
    },
    { state: { sum: [2], kept: [2], swapped: [2], unread: [1] }, inputs: { x: [2], unused: [3] } },
  );

const isIncompatible = (word: string) => (thrown: unknown) =>
  thrown instanceof DomainError && thrown.code === 'checkpoint_incompatible' && thrown.message.includes(word);

for (const engine of [onnxCpuEngine, referenceEngine]) {
  test(`${engine.name} carries state from call to call`, async () => {
    const program = await engine.compile(accumulator(), { threads: 1 });
    const vector = (...data: number[]) => ({ shape: [data.length], data: Float32Array.from(data) });
    program.setState({ sum: vector(1, 2), kept: vector(3, 4), swapped: vector(0, 0), unread: vector(9) });
    program.inputs['x']?.set([10, 20]);
    for (let call = 1; call <= 3; call += 1) {
      await program.run();
      assert.deepEqual([...(program.outputs['total'] as Float32Array)], [1 + 10 * call, 2 + 20 * call]);
      assert.deepEqual([...program.peek('sum')], [1 + 10 * call, 2 + 20 * call]);
    }
    assert.deepEqual([...(program.outputs['again'] as Float32Array)], [31, 62]);
    assert.deepEqual([...(program.outputs['product'] as Float32Array)], [93, 248]);
    assert.deepEqual([...(program.outputs['constant'] as Float32Array)], [5, 6]);
    const state = program.getState();
    assert.deepEqual(state, { sum: vector(31, 62), kept: vector(3, 4), swapped: vector(3, 4), unread: vector(9) });
    await program.run();
    assert.deepEqual([...(state['sum'] as Tensor<Float32Array>).data], [31, 62], 'a state that was got is a copy');
    program.setState(state);
    await program.run();
    assert.deepEqual([...program.peek('sum')], [41, 82]);
    await program.dispose();
  });

  test(`${engine.name} refuses a state that does not fit, naming it`, async () => {
    const program = await engine.compile(accumulator(), { threads: 1 });
    const state = program.getState();
    const { sum, ...missing } = state;
    assert.ok(sum);
    assert.throws(() => program.setState(missing), isIncompatible('"sum"'));
    assert.throws(() => program.setState({ ...state, other: sum }), isIncompatible('"other"'));
    assert.throws(
      () => program.setState({ ...state, sum: { shape: [1], data: new Float32Array(1) } }),
      isIncompatible('[1]'),
    );
    assert.throws(
      () => program.setState({ ...state, sum: { shape: [2], data: new Float64Array(2) } }),
      isIncompatible('Float64Array'),
    );
    await program.dispose();
  });
}

// Not across thread counts: onnxruntime cuts a product by threads, and then sums over pieces of other lengths (64×200·200×70).
test('onnx-cpu gives the same bytes again with as many threads', async () => {
  const graph = trace((_, { a, b }) => ({ y: tf.matMul(tf.tanh(a), b) }), {
    state: {},
    inputs: { a: [64, 200], b: [200, 70] },
  });
  const results = [];
  for (const threads of [2, 2]) {
    const program = await onnxCpuEngine.compile(graph, { threads });
    for (const array of Object.values(program.inputs))
      array.set(Float32Array.from(array, (_, index) => Math.sin(index)));
    await program.run();
    results.push(program.outputs['y']?.slice());
    await program.dispose();
  }
  assert.deepEqual(results[0], results[1]);
});

test('every engine of this build works here, and auto is onnx-cpu', async () => {
  for (const { name, available, reason } of await engines())
    assert.deepEqual([name, available, reason], [name, true, null]);
  assert.equal((await findEngine('auto')).name, 'onnx-cpu');
});

test('an engine that is not there is refused with what there is', async () => {
  await assert.rejects(
    findEngine('abacus'),
    (thrown: unknown) =>
      thrown instanceof DomainError && thrown.code === 'engine_not_available' && thrown.message.includes('onnx-cpu'),
  );
  await assert.rejects(findEngine('toString'), DomainError);
});

test('an engine that computes something else is found out', async () => {
  const wrong: Engine = {
    name: 'onnx-cpu',
    compile: (graph, options) => {
      const make = nodeMaker(10_000);
      const outputs = new Map(
        [...graph.outputs].map(([name, node]) => [name, make({ kind: 'neg' }, [node], node.shape)]),
      );
      return onnxCpuEngine.compile({ ...graph, outputs }, options);
    },
  };
  assert.match((await selfTest(wrong)) as string, /differ from the reference/);
});
