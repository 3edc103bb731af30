// What a dumped graph says, and where it is put.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { describeGraph, dumping } from '../../src/compute/dump.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import { optimize } from '../../src/compute/passes/optimize.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const graph = () =>
  trace(
    ({ w, kept }, { x }) => {
      const y = tf.clipByValue(tf.add(tf.matMul(x, w, false, true), [1, 2, 3, 4, 5]), -1, 0.5);
      w.assign(tf.mul(w, 0.5));
      return { y, kept, positive: tf.where(tf.greater(y, 0), y, 0) };
    },
    { state: { w: [5, 3], kept: [2] }, inputs: { x: [4, 3], unused: [2] } },
  );

test('a graph is described one node a line, with what goes in and out, counts and work', () => {
  assert.equal(
    describeGraph(graph()),
    `inputs
  x : float32[4,3]
  unused : float32[2]  (not read)
state
  w : float32[5,3]
  kept : float32[2]
nodes
  %0 = matmul(x, w, transposeB) : float32[4,5]
  %1 = constant [1, 2, 3, 4, …] : float32[5]
  %2 = add(%0, %1) : float32[4,5]
  %3 = clip(%2, min=-1, max=0.5) : float32[4,5]
  %6 = constant 0 : float32[]
  %7 = greater(%3, %6) : bool[4,5]
  %8 = constant 0 : float32[]
  %9 = reshape(%8) : float32[1,1]
  %10 = broadcast(%9) : float32[4,5]
  %11 = select(%7, %3, %10) : float32[4,5]
  %4 = constant 0.5 : float32[]
  %5 = mul(w, %4) : float32[5,3]
outputs
  y = %3
  kept = kept
  positive = %11
next state
  w = %5
  kept = kept  (unchanged)
12 nodes
      4 constant
      1 add
      1 broadcast
      1 clip
      1 greater
      1 matmul
      1 mul
      1 reshape
      1 select
120 floating-point operations in matrix products
`,
  );
});

test('a program is written as traced, after every pass and as the engine has it, to the same files each time', async () => {
  const directory = join(temporaryFolder(), 'dumps');
  const engine = dumping(onnxCpuEngine, directory);
  const [one, again] = [await engine.compile(graph(), { threads: 1 }), await engine.compile(graph(), { threads: 1 })];
  await Promise.all([one.dispose(), again.dispose()]);
  const files = readdirSync(directory).sort();
  const [name] = (files[0] as string).split('.') as [string];
  assert.match(name, /^onnx-cpu-[0-9a-f]{8}$/);
  assert.equal(files[0], `${name}.01-traced.txt`);
  assert.equal(files[1], `${name}.02-fold-constants.txt`);
  assert.equal(files.at(-1), `${name}.${files.length}-onnx.onnx`);
  assert.equal(readFileSync(join(directory, files[0] as string), 'utf8'), describeGraph(graph()));
  assert.equal(readFileSync(join(directory, files.at(-2) as string), 'utf8'), describeGraph(optimize(graph())));
});
