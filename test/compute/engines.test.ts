// The registry of engines. What every engine computes and promises is in conformance.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '../../src/compute/engine.ts';
import { Engines, selfTest } from '../../src/compute/engines.ts';
import { nodeMaker } from '../../src/compute/nodes.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import { DomainError } from '../../src/errors.ts';

/** Without a compiler, so that nothing is built here; conformance.test.ts runs the native engine. */
const engines = new Engines({ compiler: 'off', cacheDirectory: 'not used', dumpDirectory: null });

test('the engines that need nothing but npm work here, and without a compiler auto is onnx-cpu', async () => {
  const listed = await engines.list();
  for (const { name, available, reason } of listed) {
    assert.deepEqual([name, available], [name, name !== 'native']);
    assert.equal(available, reason === null, name);
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
