// What every engine promises, each held to the float64 reference on the same cases. Engines that do not work here are listed as
// skipped, with their reason; a new one is covered as soon as it stands in src/compute/engines.ts.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import type { Engine, EngineName, Program } from '../../src/compute/engine.ts';
import { Engines } from '../../src/compute/engines.ts';
import type { Graph } from '../../src/compute/graph.ts';
import { evaluate, type Float64Record } from '../../src/compute/reference/evaluate.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { DomainError } from '../../src/errors.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import type { Tensor } from '../../src/math/tensor.ts';
import { ENGINE_SETTINGS } from '../support/engine-settings.ts';
import { freshSeed } from '../support/seed.ts';
import { type Drawn, kernelGraph, productGraph, type Sizes, specialGraph, stateGraph } from './conformance-graphs.ts';
import { COMPOSED_CASES, KERNEL_CASES } from './kernel-cases.ts';
import { drawFor, updateOf } from './programs/program.ts';
import { ODD_SIZES, PROGRAMS } from './programs/programs.ts';
import { setAll } from './support.ts';

/** Off the vector widths (4, 8, 16 numbers) on both sides, in each of the three places. */
const AWKWARD: readonly Sizes[] = [
  { m: 5, n: 17, k: 31 },
  { m: 33, n: 7, k: 9 },
  { m: 1, n: 100, k: 15 },
  { m: 48, n: 8, k: 1 },
  { m: 9, n: 65, k: 3 },
];
/** Every kernel is run at two of them: an engine that compiles to C takes seconds for a graph of all kernels. */
const TURNS = [0, 2];
const size = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 65));
/** Once, and again while this time lasts. */
const RANDOM_ROUNDS = 6;
const RANDOM_MS = 1500;
const CASES = KERNEL_CASES.length + COMPOSED_CASES.length;

/** What an engine does not promise, and why. */
interface Leeway {
  /** Cases held to fifty times the tolerance. */
  readonly coarse?: RegExp;
  /** NaN and infinities may get lost: these cases are not compared, and numbers only where the reference is finite. */
  readonly losesNan?: RegExp;
  /** One kernel takes long to compile: fewer sizes and programs are run. */
  readonly slow?: true;
}

/** Programs of which none is a part of another. */
const DISTINCT = ['SAC v1', 'TD3 with its policy', 'PPO with a Gaussian', 'soft Q-learning'];

const LEEWAYS: Readonly<Partial<Record<EngineName, Leeway>>> = {
  // A WGSL shader may assume that NaN and infinities do not occur (https://www.w3.org/TR/WGSL/#floating-point-evaluation): on
  // SwiftShader relu(NaN) is 0, exp(NaN) infinity, log(-1) a number. And near 1 a shader's log may be off by 2^-21 = 4.8e-7 and
  // its exp by 3 units in the last place (#floating-point-accuracy; SwiftShader's is, by 1.5e-7), which the definitions of log1p
  // and expm1 by them, in cases that are a thousandfold, make visible. A shader takes tens of milliseconds to compile there.
  'onnx-webgpu': { coarse: /Expm1|Log1p/, losesNan: /IsFinite|IsInf|IsNan/, slow: true },
};

/**
 * The arrays that are off, each in a line. float32 rounds to 6e-8, transcendental functions to a few times that, and the roundings of
 * n terms add up as √n: 1e-5 and 2e-6·√n of the largest number of the array, which is what its parts were rounded to; `least`
 * stands in where all are smaller, since what cancelled was not.
 */
function differences(
  actual: Readonly<Record<string, Float32Array>>,
  expected: Float64Record,
  inputs: Float64Record,
  least: number,
  { coarse, losesNan }: Leeway,
): readonly string[] {
  return Object.entries(expected).flatMap(([name, values]) => {
    if (losesNan?.test(name)) return [];
    const got = actual[name] as Float32Array;
    const finite = values.filter(Number.isFinite).map(Math.abs);
    const largest = finite.reduce((most, value) => Math.max(most, value), least);
    const roundings = 1e-5 + 2e-6 * Math.sqrt(termsOf(name, values.length, inputs));
    const tolerance = roundings * largest * (coarse?.test(name) ? 50 : 1);
    const index = values.findIndex((value, place) => {
      const rounded = Math.fround(value);
      if (!Number.isFinite(rounded)) return losesNan === undefined && !Object.is(got[place], rounded);
      return !(Math.abs((got[place] as number) - value) <= tolerance);
    });
    return index === -1 && got.length === values.length
      ? []
      : [`${name}[${index}]: ${got[index]}, expected ${values[index]} (± ${tolerance})`];
  });
}

/** How many numbers go into one of an output: of the inputs of its own case, which bear its name up to the slash, or of any. */
function termsOf(name: string, length: number, inputs: Float64Record): number {
  const prefix = name.slice(0, name.lastIndexOf('/') + 1);
  const own = Object.keys(inputs).filter((input) => prefix !== '' && input.startsWith(prefix));
  if (own.length === 0) return Math.max(1, ...Object.values(inputs).map((values) => values.length));
  return own.reduce((sum, input) => sum + (inputs[input] as Float64Array).length, 0) / length;
}

interface Results {
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly state: Readonly<Record<string, Float32Array>>;
}

async function runCalls(
  engine: Engine,
  { graph, inputs }: Drawn,
  state: Float64Record,
  { calls = 1, threads = 1 } = {},
): Promise<Results> {
  const program = await engine.compile(graph, { threads });
  setAll(program, graph, inputs, state);
  for (let call = 0; call < calls; call += 1) await program.run();
  const outputs = Object.fromEntries(Object.entries(program.outputs).map(([name, data]) => [name, data.slice()]));
  const next = Object.fromEntries(
    Object.entries(program.getState()).map(([name, { data }]) => [name, data as Float32Array]),
  );
  await program.dispose();
  return { outputs, state: next };
}

interface Run {
  readonly state?: Float64Record;
  readonly calls?: number;
  readonly least?: number;
  readonly leeway?: Leeway;
}

/** Outputs and state after some calls that differ from the reference, each in a line that starts with its name. */
async function compare(
  engine: Engine,
  drawn: Drawn,
  { state = {}, calls = 1, least = 1, leeway = LEEWAYS[engine.name] ?? {} }: Run = {},
): Promise<readonly string[]> {
  const { graph, inputs } = drawn;
  let expected = evaluate(graph, inputs, state);
  for (let call = 1; call < calls; call += 1) expected = evaluate(graph, inputs, expected.state);
  const actual = await runCalls(engine, drawn, state, { calls });
  return (['outputs', 'state'] as const).flatMap((part) =>
    differences(actual[part], expected[part], inputs, least, leeway),
  );
}

async function assertMatches(engine: Engine, drawn: Drawn, run: Run = {}): Promise<void> {
  const wrong = await compare(engine, drawn, run);
  assert.equal(wrong.length, 0, `${wrong.length} differ:\n${wrong.join('\n')}`);
}

const isIncompatible = (word: string) => (thrown: unknown) =>
  thrown instanceof DomainError && thrown.code === 'checkpoint_incompatible' && thrown.message.includes(word);

const vector = (...data: number[]): Tensor<Float32Array> => ({ shape: [data.length], data: Float32Array.from(data) });
const ramp = (length: number, start: number): number[] => Array.from({ length }, (_, index) => start + index);

/** The state of `stateGraph` before the first call. */
const firstState = () => ({
  sum: vector(1, 2, 3),
  kept: vector(3, 4, 5),
  copied: vector(0, 0, 0),
  swapA: vector(...ramp(17, 100)),
  swapB: vector(...ramp(17, 200)),
  constant: vector(0, 0, 0),
  taken: vector(0, 0, 0),
  turned: { shape: [5, 5], data: Float32Array.from(ramp(25, 0)) },
  unread: vector(9),
});

async function started(engine: Engine, graph: Graph): Promise<Program> {
  const program = await engine.compile(graph, { threads: 1 });
  program.setState(firstState());
  program.inputs['x']?.set([10, 20, -30]);
  program.inputs['matrix']?.set([1, 2, 3, 4, 5, 6]);
  return program;
}

function conformance(engine: Engine): void {
  const { slow, losesNan } = LEEWAYS[engine.name] ?? {};
  const promise = (sentence: string, check: (context: TestContext) => Promise<void>): void =>
    void test(`${engine.name} ${sentence}`, check);

  for (const turn of slow ? TURNS.slice(0, 1) : TURNS) {
    promise(`computes every kernel and its gradient on sizes off the vector width, turn ${turn}`, async (context) => {
      const sizesOf = (index: number): Sizes => AWKWARD[(index + turn) % AWKWARD.length] as Sizes;
      await assertMatches(engine, kernelGraph(sizesOf, Pcg64.fromSeed(freshSeed(context))));
    });
  }

  const drawn = 'computes every kernel and its gradient on sizes drawn at random';
  if (slow) test(`${engine.name} ${drawn}`, { skip: 'too slow to compile' }, () => undefined);
  else
    promise(drawn, async (context) => {
      const seed = freshSeed(context);
      const until = performance.now() + RANDOM_MS;
      const rng = Pcg64.fromSeed(seed);
      const triple = fc.record({ m: size, n: size, k: size });
      for (let round = 0; round < RANDOM_ROUNDS && (round === 0 || performance.now() < until); round += 1) {
        const sizes = fc.sample(triple, { seed: seed + round, numRuns: CASES });
        await assertMatches(
          engine,
          kernelGraph((index) => sizes[index] as Sizes, rng),
        );
      }
    });

  for (const { name, make } of slow ? PROGRAMS.filter(({ name }) => DISTINCT.includes(name)) : PROGRAMS) {
    promise(`takes three steps of ${name}`, async () => {
      const update = make(ODD_SIZES);
      const runnable = updateOf(update);
      const { inputs, state } = drawFor(update, runnable, Pcg64.fromSeed(3));
      const graph = trace(runnable.program, runnable.signature);
      // Gradients are as small as 0.01.
      await assertMatches(engine, { graph, inputs }, { state, calls: 3, least: 0.05 });
    });
  }

  // Coprime to the four transpositions, so that all are met.
  const productStep = slow ? 9 : 1;
  promise('computes matrix products of every shape and transposition', async (context) => {
    await assertMatches(engine, productGraph(Pcg64.fromSeed(freshSeed(context)), productStep));
  });

  if (losesNan === undefined)
    promise('has NaN and infinities exactly where the reference has them', async () => {
      assert.deepEqual(await compare(engine, specialGraph()), []);
    });
  else
    promise('computes with finite numbers what it may not compute with NaN and infinities', async (context) => {
      const special = specialGraph();
      for (const lost of await compare(engine, special, { leeway: {} })) context.diagnostic(lost);
      const finite = (values: Float64Array): Float64Array => values.map((x) => (Math.abs(x) < 1e3 ? x : 0.75));
      const inputs = Object.fromEntries(Object.entries(special.inputs).map(([name, x]) => [name, finite(x)]));
      assert.deepEqual(await compare(engine, { ...special, inputs }), []);
    });

  promise('carries state from call to call', async () => {
    const program = await started(engine, stateGraph());
    const output = (name: string): number[] => [...(program.outputs[name] as Float32Array)];
    for (let call = 1; call <= 3; call += 1) {
      await program.run();
      assert.deepEqual(output('total'), [1 + 10 * call, 2 + 20 * call, 3 - 30 * call]);
      assert.deepEqual([...program.peek('sum')], output('total'));
      assert.deepEqual([...program.peek('swapA')], ramp(17, call % 2 === 0 ? 100 : 200));
      assert.deepEqual([...program.peek('swapB')], ramp(17, call % 2 === 0 ? 200 : 100));
    }
    assert.deepEqual(output('again'), output('total'));
    assert.deepEqual(output('product'), [31 * 3, 62 * 4, -87 * 5]);
    assert.deepEqual(output('fixed'), [5, 6]);
    assert.deepEqual(output('filled'), [0.25, 0.25, 0.25, 0.25, 0.25, 0.25]);
    assert.deepEqual(
      [output('passed'), output('passedTwice')],
      [
        [10, 20, -30],
        [10, 20, -30],
      ],
    );
    assert.deepEqual(output('turnedMatrix'), [1, 4, 2, 5, 3, 6]);
    assert.deepEqual(output('reshaped'), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(output('before'), [3, 4, 5]);
    assert.deepEqual([output('number'), output('truth')], [[0], [1, 1, 0]]);
    const state = program.getState();
    const first = firstState();
    assert.deepEqual(state, {
      ...first,
      sum: vector(31, 62, -87),
      copied: first.kept,
      swapA: first.swapB,
      swapB: first.swapA,
      constant: vector(7, 8, 9),
      taken: vector(10, 20, -30),
      turned: {
        shape: [5, 5],
        data: Float32Array.from(ramp(25, 0), (_, index) => 5 * (index % 5) + Math.floor(index / 5)),
      },
    });
    await program.run();
    assert.deepEqual([...(state['sum'] as Tensor<Float32Array>).data], [31, 62, -87], 'a state that was got is a copy');
    program.setState(state);
    (state['sum'] as Tensor<Float32Array>).data.fill(0);
    await program.run();
    assert.deepEqual([...program.peek('sum')], [41, 82, -117], 'a state that was set is a copy');
    await program.dispose();
  });

  promise('starts from a state of zeros and reads its inputs anew at each call', async () => {
    const program = await engine.compile(stateGraph(), { threads: 1 });
    assert.deepEqual([...program.peek('sum')], [0, 0, 0]);
    program.inputs['x']?.set([1, 2, 3]);
    await program.run();
    program.inputs['x']?.fill(5);
    await program.run();
    assert.deepEqual([...program.peek('sum')], [6, 7, 8]);
    assert.throws(() => program.peek('nothing'), /nothing/);
    await program.dispose();
  });

  promise('refuses a state that does not fit, naming it, and keeps the one it has', async () => {
    const program = await started(engine, stateGraph());
    const { sum, ...missing } = firstState();
    const state = { sum, ...missing };
    assert.throws(() => program.setState(missing), isIncompatible('"sum"'));
    assert.throws(() => program.setState({ ...state, other: sum }), isIncompatible('"other"'));
    assert.throws(() => program.setState({ ...state, turned: vector(1) }), isIncompatible('[5,5]'));
    const doubles = { shape: [3], data: new Float64Array(3) };
    assert.throws(() => program.setState({ ...state, sum: doubles }), isIncompatible('Float64Array'));
    assert.deepEqual(program.getState(), state);
    await program.dispose();
  });

  promise('runs two programs of one graph side by side, and one after the other is gone', async () => {
    const graph = stateGraph();
    const [one, other] = await Promise.all([started(engine, graph), started(engine, graph)]);
    other.setState({ ...firstState(), sum: vector(0, 0, 0) });
    await Promise.all([one.run(), other.run()]);
    await other.run();
    assert.deepEqual([...one.peek('sum')], [11, 22, -27]);
    assert.deepEqual([...other.peek('sum')], [20, 40, -60]);
    await one.dispose();
    await other.run();
    assert.deepEqual([...other.peek('sum')], [30, 60, -90]);
    await other.dispose();
  });

  promise('names outputs that are not finite, and its identity', async () => {
    const graph = trace(
      ({ s }, { x }) => {
        s.assign(tf.add(s, tf.log(x)));
        return { fine: tf.square(x), logarithms: tf.log(x), inverse: tf.reciprocal(x) };
      },
      { state: { s: [19] }, inputs: { x: [19] } },
    );
    const program = await engine.compile(graph, { threads: 1 });
    program.inputs['x']?.fill(2);
    await program.run();
    assert.deepEqual(program.nonFinite(), []);
    if (losesNan === undefined) {
      program.inputs['x']?.set([-1], 18);
      await program.run();
      assert.deepEqual(
        program.nonFinite().filter((name) => name !== 's'),
        ['logarithms'],
      );
      program.inputs['x']?.set([0], 3);
      await program.run();
      assert.deepEqual(
        program.nonFinite().filter((name) => name !== 's'),
        ['logarithms', 'inverse'],
      );
    } else {
      // What the shaders make of it may be a number; what is not one in the state is still seen.
      program.setState({ s: { shape: [19], data: new Float32Array(19).fill(Number.NaN) } });
      await program.run();
      assert.deepEqual(program.nonFinite(), ['s']);
    }
    const again = await engine.compile(graph, { threads: 1 });
    assert.equal(again.identity, program.identity);
    assert.match(program.identity, new RegExp(`^${engine.name}\\b`));
    await Promise.all([program.dispose(), again.dispose()]);
  });

  // Not across thread counts: onnxruntime cuts a product by threads, and then sums over pieces of other lengths.
  promise('gives the same bytes again, also on two threads', async () => {
    const drawn = productGraph(Pcg64.fromSeed(5), productStep);
    for (const threads of slow ? [1] : [1, 2]) {
      const [one, again] = await Promise.all([1, 2].map(() => runCalls(engine, drawn, {}, { threads })));
      assert.deepEqual(again, one);
    }
  });
}

const engines = new Engines(ENGINE_SETTINGS);
const listed = await engines.list();
for (const { name, available, reason } of listed) {
  if (available) conformance(await engines.find(name));
  else test(`${name} conforms`, { skip: reason ?? 'not available' }, () => undefined);
}

test('an engine ran, or it says why not', (context) => {
  const width = Math.max(...listed.map(({ name }) => name.length));
  for (const { name, available, reason } of listed) {
    context.diagnostic(`${name.padEnd(width)}  ${available ? 'ran' : `skipped: ${reason}`}`);
    assert.equal(available, reason === null, name);
  }
});
