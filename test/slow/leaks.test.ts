// Updates by the thousand on each engine that trains, with what a job does beside them: memory must end as it was after the first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { Engines } from '../../src/compute/engines.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { sacCase } from '../compute/native/cases.ts';
import { setAll } from '../compute/support.ts';
import { ENGINE_SETTINGS } from '../support/engine-settings.ts';
import { enginesWithTables } from '../support/engines-with-tables.ts';
import { freshSeed } from '../support/seed.ts';

const UPDATES = 10_000;
/** By then pools and compiled code have their size. */
const WARM_UP = 2_000;
const SIZES = { observation: 11, action: 3, hidden: [48, 40], batch: 48 };
/** For engines that go kernel by kernel. 16 kB of state, which every call makes anew. */
const SMALL = { observation: 3, action: 1, hidden: [16, 16], batch: 16 };
/** 2 kB an update; what V8 takes for itself moves by some MB. */
const ALLOWED_MB = 20;

const engines = new Engines(ENGINE_SETTINGS);
const listed = await engines.list();

for (const { name, threads, updates = UPDATES, sizes = SIZES } of [
  { name: 'native', threads: 2 },
  { name: 'onnx-cpu', threads: 1 },
  // Some 100 kB of state go in and out of a call; on SwiftShader a few times a second.
  { name: 'onnx-webgpu', threads: 1, updates: 300 },
  { name: 'tfjs-node', threads: 2 },
  { name: 'tfjs-wasm', threads: 1, sizes: SMALL },
  { name: 'tfjs-cpu', threads: 1, sizes: SMALL },
]) {
  const reason = listed.find((engine) => engine.name === name)?.reason ?? false;
  test(`${updates} updates on ${name} leave memory as it was`, { skip: reason }, async (context) => {
    const warmUp = (updates * WARM_UP) / UPDATES;
    const one = sacCase(sizes);
    const program = await (await engines.find(name)).compile(one.graph, { threads });
    const rng = Pcg64.fromSeed(freshSeed(context));
    const draws = Array.from({ length: 16 }, () => one.inputs(rng));
    setAll(program, one.graph, {}, one.state(rng));
    const begun = performance.now();
    let before = 0;
    for (let update = 0; update < updates; update += 1) {
      if (update === warmUp) before = process.memoryUsage.rss();
      for (const [input, values] of Object.entries(draws[update % draws.length] ?? {}))
        program.inputs[input]?.set(values);
      await program.run();
      // A checkpoint, and a resume.
      if (update % 200 === 199) program.setState(program.getState());
    }
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
    const rate = (updates / (performance.now() - begun)) * 1000;
    context.diagnostic(`${grown.toFixed(1)} MB more after ${updates - warmUp} updates; ${rate.toFixed(0)} updates/s`);
    assert.ok(grown < ALLOWED_MB, `${grown} MB more`);
    await program.dispose();
  });
}

for (const { engine, skip } of enginesWithTables) {
  test(`${UPDATES} calls with new rows for a table on ${engine.name} leave memory as it was`, {
    skip,
  }, async (context) => {
    // A row of 1 kB a call; 32 are read, some of them the newest.
    const [width, rows, read] = [256, 4096, 32];
    const graph = trace(
      ({ kept }, { a }) => {
        kept.assign(tf.add(kept, tf.mean(a)));
        return { kept };
      },
      { state: { kept: [] }, inputs: { a: [read, width] } },
    );
    const tables = { rows, gathers: { a: { table: 'transitions', by: 'chosen' } } };
    const program = await engine.compile(graph, { threads: 1, tables });
    let before = 0;
    for (let call = 0; call < UPDATES; call += 1) {
      if (call === WARM_UP) before = process.memoryUsage.rss();
      program.putRows?.(call % rows, new Float32Array(width).fill(call));
      program.inputs['chosen']?.set(Array.from({ length: read }, (_, i) => (call + rows - i) % rows));
      await program.run();
    }
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
    context.diagnostic(`${grown.toFixed(1)} MB more after ${UPDATES - WARM_UP} calls`);
    assert.ok(grown < ALLOWED_MB, `${grown} MB more`);
    await program.dispose();
  });
}

test('programs that are made and disposed leave memory as it was', {
  skip: listed.find(({ name }) => name === 'native')?.reason ?? false,
}, async (context) => {
  const native = await engines.find('native');
  const one = sacCase({ observation: 11, action: 3, hidden: [256, 256], batch: 64 });
  const round = async (): Promise<void> => {
    const program = await native.compile(one.graph, { threads: 2 });
    await program.run();
    await program.dispose();
  };
  // An arena of these is 5 MB: V8 lets a few lie before it collects them.
  for (let count = 0; count < 40; count += 1) await round();
  const before = process.memoryUsage.rss();
  for (let count = 0; count < 120; count += 1) await round();
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  context.diagnostic(`${grown.toFixed(1)} MB more after 120 programs`);
  assert.ok(grown < 100, `${grown} MB more, of 600 that were taken`);
});
