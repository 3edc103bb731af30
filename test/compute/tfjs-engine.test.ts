// What the tfjs engines promise beside computing the right numbers (conformance.test.ts): they leave tfjs as they found it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { Engine } from '../../src/compute/engine.ts';
import type { Node } from '../../src/compute/graph.ts';
import { topological } from '../../src/compute/nodes.ts';
import { cpuBackend, type EagerBackend, wasmBackend } from '../../src/compute/tfjs/backends.ts';
import { tfjsCpuEngine, tfjsWasmEngine } from '../../src/compute/tfjs/engine.ts';
import { Kernels } from '../../src/compute/tfjs/kernels.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { kernelGraph } from './conformance-graphs.ts';

const graph = () =>
  trace(
    ({ w }, { x }) => {
      const { value, grads } = tf.variableGrads(() => tf.mean(tf.square(tf.tanh(tf.matMul(x, w)))), [w]);
      w.assign(tf.sub(w, grads['w'] as tf.Tensor2D));
      return { loss: value };
    },
    { state: { w: [3, 2] }, inputs: { x: [4, 3] } },
  );

const ENGINES: readonly (readonly [Engine, () => Promise<EagerBackend>])[] = [
  [tfjsCpuEngine, cpuBackend],
  [tfjsWasmEngine, wasmBackend],
];

test('starting the WebAssembly module leaves exceptions and rejections to the process', async () => {
  const listeners = () => [process.listenerCount('uncaughtException'), process.listenerCount('unhandledRejection')];
  const before = listeners();
  await wasmBackend();
  assert.deepEqual(listeners(), before);
});

// Before the other tests, which choose one.
for (const [engine] of ENGINES) {
  test(`${engine.name}: no backend is chosen by compiling and running a program`, async () => {
    const program = await engine.compile(graph(), { threads: 1 });
    await program.run();
    assert.equal(tf.engine().backendName ?? null, null);
    await program.dispose();
  });
}

for (const [engine, start] of ENGINES) {
  test(`${engine.name}: calls keep no tensors in tfjs`, async () => {
    await tf.setBackend('cpu');
    const program = await engine.compile(graph(), { threads: 1 });
    await program.run();
    const before = tf.memory();
    for (let call = 0; call < 50; call += 1) await program.run();
    const { numTensors, numDataBuffers } = tf.memory();
    assert.deepEqual([numTensors, numDataBuffers], [before.numTensors, before.numDataBuffers]);
    await program.dispose();
  });

  test(`${engine.name}: nor in the backend of the program, whatever kernels it runs`, async () => {
    const backend = await start();
    const held = (): number => (backend.instance as tf.KernelBackend).numDataIds();
    const kernels = new Kernels(backend);
    const { graph: all, inputs } = kernelGraph(() => ({ m: 3, n: 4, k: 5 }), Pcg64.fromSeed(1));
    const tensors = new Map<Node, tf.TensorInfo>();
    for (const [name, node] of all.inputs) {
      tensors.set(node, kernels.tensor(Float32Array.from(inputs[name] as Float64Array), node.shape, 'float32'));
    }
    for (const node of topological(all)) {
      const operands = node.inputs.map((input) => tensors.get(input) as tf.TensorInfo);
      if (!tensors.has(node)) tensors.set(node, kernels.compute(node, operands));
    }
    assert.ok(held() > 1000);
    kernels.disposeAll();
    assert.equal(held(), 0);
  });

  test(`${engine.name}: a program runs while another is being traced, and the backend of the caller stays`, async () => {
    await tf.setBackend('cpu');
    const program = await engine.compile(graph(), { threads: 1 });
    program.setState({ w: { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) } });
    program.inputs['x']?.fill(0.1);
    let running: Promise<void> | undefined;
    const traced = trace(
      (_, { x }) => {
        const y = tf.neg(x);
        running = program.run();
        return { z: tf.exp(y) };
      },
      { state: {}, inputs: { x: [2] } },
    );
    await running;
    assert.equal(traced.outputs.get('z')?.op.kind, 'exp');
    assert.equal(tf.getBackend(), 'cpu');
    // mean of tanh²(0.9) and tanh²(1.2)
    const expected = (Math.tanh(0.9) ** 2 + Math.tanh(1.2) ** 2) / 2;
    assert.ok(Math.abs((program.outputs['loss']?.[0] as number) - expected) < 1e-6);
    await program.dispose();
  });
}
