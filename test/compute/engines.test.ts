// The registry of engines. What every engine computes and promises is in conformance.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../../src/compute/engine.ts';
import { Engines, selfTest } from '../../src/compute/engines.ts';
import { nodeMaker } from '../../src/compute/nodes.ts';
import { cudaAbsent } from '../../src/compute/onnx/cuda.ts';
import { onnxCpuEngine, onnxCudaEngine, onnxWebgpuEngine } from '../../src/compute/onnx/engine.ts';
import { DomainError } from '../../src/errors.ts';

/** Without a compiler, so that nothing is built here; conformance.test.ts runs the native engine. */
const SETTINGS = { compiler: 'off', cacheDirectory: 'not used', dumpDirectory: null };
const engines = new Engines(SETTINGS);

/** On any machine that npm installs on. */
const EVERYWHERE = ['onnx-cpu', 'tfjs-wasm', 'tfjs-cpu', 'reference'];

test('the engines that need nothing but npm work here, and without a compiler auto is onnx-cpu', async () => {
  const listed = await engines.list();
  for (const { name, available, reason, remedy } of listed) {
    if (EVERYWHERE.includes(name) || name === 'native') assert.deepEqual([name, available], [name, name !== 'native']);
    assert.deepEqual([reason === null, remedy === null], [available, available], name);
  }
  assert.equal((await engines.find('auto')).name, 'onnx-cpu');
});

test('an engine that was turned off says so', async () => {
  const reason = (await engines.list()).find(({ name }) => name === 'native')?.reason;
  assert.match(reason ?? '', /turned off/);
  await assert.rejects(
    engines.find('native'),
    (thrown: unknown) => thrown instanceof DomainError && thrown.message.includes('turned off'),
  );
});

test('an engine that is not there is refused with what there is', async () => {
  await assert.rejects(
    engines.find('abacus'),
    (thrown: unknown) =>
      thrown instanceof DomainError && thrown.code === 'engine_not_available' && thrown.message.includes('onnx-cpu'),
  );
  await assert.rejects(engines.find('toString'), DomainError);
});

/** What the refusal of `name` says. */
async function refusal(name: string, from = new Engines(SETTINGS)): Promise<string> {
  const thrown = await from.find(name).catch((error: unknown) => error);
  assert.ok(thrown instanceof DomainError && thrown.code === 'engine_not_available', `${name} is not refused`);
  return thrown.message;
}

test('onnx-cuda without its libraries or a driver says which file it looked for, and what fetches it', async (t) => {
  if (cudaAbsent() === null) return t.skip('CUDA is here');
  const message = await refusal('onnx-cuda');
  assert.match(
    message,
    /"onnx-cuda" does not work here: (there is no \S+(cuda\.so|nvidiactl)|onnxruntime-node brings CUDA)/,
  );
  // Whoever runs the command has to know why the same is said after it.
  assert.match(
    message,
    /node_modules\/onnxruntime-node\/script\/install\.js --onnxruntime-node-install=cuda12.* Then restart the server\.$/,
  );
});

test('onnx-webgpu without a driver says so, and what it needs', { skip: process.platform !== 'linux' }, async (t) => {
  const before = process.env['VK_ICD_FILENAMES'];
  t.after(() => {
    if (before === undefined) delete process.env['VK_ICD_FILENAMES'];
    else process.env['VK_ICD_FILENAMES'] = before;
  });
  process.env['VK_ICD_FILENAMES'] = '/nowhere/icd.json';
  const message = await refusal('onnx-webgpu');
  assert.match(message, /"onnx-webgpu" does not work here: .*adapter.*apt-get install libvulkan1/);
});

test('what acts is compiled for the processor, also by the engines of GPUs', async () => {
  const make = nodeMaker();
  const x = make({ kind: 'input', name: 'x' }, [], [2]);
  const graph = {
    inputs: new Map([['x', x]]),
    state: new Map(),
    outputs: new Map([['y', make({ kind: 'neg' }, [x], [2])]]),
  };
  for (const engine of [onnxWebgpuEngine, onnxCudaEngine]) {
    const program = await engine.compile(graph, { threads: 1, acts: true });
    program.inputs['x']?.set([1, -2]);
    await program.run();
    assert.deepEqual([...(program.outputs['y'] as Float32Array)], [-1, 2]);
    assert.match(program.identity, /^onnx-cpu /);
    await program.dispose();
  }
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
