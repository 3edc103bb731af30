// Tables that stay with a program: the nodes that are written for them by an interpreter, and where TensorFlow is, by it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { Tables } from '../../../src/compute/engine.ts';
import { optimize } from '../../../src/compute/passes/optimize.ts';
import { lower } from '../../../src/compute/tensorflow/lower.ts';
import { trace } from '../../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { enginesWithTables } from '../../support/engines-with-tables.ts';
import { freshSeed } from '../../support/seed.ts';
import { REQUIRED, runNodes, type Value, type Variables } from './interpret.ts';
import { readSavedModel } from './saved-model.ts';

/** Two tables, one of them read at two places; `c` is fed as ever. */
const TABLES: Tables = {
  rows: 9,
  gathers: {
    a: { table: 'wide', by: 'first' },
    b: { table: 'narrow', by: 'first' },
    again: { table: 'wide', by: 'second' },
  },
};
const WIDTH = 4;

const graph = () =>
  trace(
    ({ kept }, { a, b, again, c }) => {
      kept.assign(tf.add(kept, tf.sum(again)));
      return { a: tf.mul(a, c), b: tf.mul(b, 1), again: tf.mul(again, 1) };
    },
    { state: { kept: [] }, inputs: { a: [3, 3], b: [3, 1], again: [2, 3], c: [] } },
  );

/** The tables side by side as the program should have them: small integers, which every sum and product keeps. */
class Expected {
  readonly #rows = Array.from({ length: TABLES.rows }, () => new Array<number>(WIDTH).fill(0));
  #next = 1;

  /** New rows from `first` on, which are written here too. */
  put(first: number, count: number): number[] {
    const rows = Array.from({ length: count }, () => Array.from({ length: WIDTH }, () => this.#next++));
    this.#rows.splice(first, count, ...rows);
    return rows.flat();
  }

  /** What the call should return for rows `first` and `second`, and c = 2. */
  outputs(first: readonly number[], second: readonly number[]): Record<'a' | 'b' | 'again', number[]> {
    const columns = (numbers: readonly number[], from: number, to: number): number[] =>
      numbers.flatMap((number) => (this.#rows[number] as number[]).slice(from, to));
    return {
      a: columns(first, 0, 3).map((x) => 2 * x),
      b: columns(first, 3, 4),
      again: columns(second, 0, 3),
    };
  }
}

/** Runs of rows that one call is given, and the rows that it reads. */
function* script(rng: Pcg64): Generator<{ runs: [number, number][]; first: number[]; second: number[] }> {
  const numbers = (count: number): number[] => Array.from({ length: count }, () => rng.integers(0, TABLES.rows));
  for (let call = 0; call < 30; call += 1) {
    const runs = Array.from({ length: call === 0 ? 0 : rng.integers(0, 3) }, (): [number, number] => {
      const first = rng.integers(0, TABLES.rows);
      return [first, rng.integers(1, TABLES.rows - first + 1)];
    });
    yield { runs, first: numbers(3), second: numbers(2) };
  }
}

test('rows are written before they are read, and in whatever order the nodes run', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  const lowered = lower(optimize(graph()), null, TABLES);
  const { tables } = lowered;
  assert.ok(tables);
  const model = readSavedModel(lowered.bytes);
  const variables: Variables = new Map();
  const value = (shape: readonly number[], data: readonly number[]): Value => ({ shape, data });
  const feed = (first: number, rows: readonly number[]): [string, Value][] => [
    [tables.place, value([2], [first, first + rows.length / WIDTH])],
    [tables.rows, value([rows.length / WIDTH, WIDTH], rows)],
  ];
  runNodes(model, new Map(), [tables.made], variables, rng);
  runNodes(
    model,
    new Map([[lowered.state.get('kept')?.write as string, value([], [0])]]),
    [lowered.written],
    variables,
    rng,
  );
  assert.deepEqual([...lowered.fed.keys()], ['first', 'second', 'c']);
  const expected = new Expected();
  for (const { runs, first, second } of script(rng)) {
    const [last, ...earlier] = runs.map(([from, count]) => feed(from, expected.put(from, count))).reverse();
    for (const rows of earlier.reverse()) runNodes(model, new Map(rows), [tables.written], variables, rng);
    const packed = new Array<number>(lowered.inputs.length).fill(Number.NaN);
    for (const [name, data] of Object.entries({ first, second, c: [2] }))
      packed.splice(lowered.inputs.offsets.get(name) as number, data.length, ...data);
    const feeds = new Map([...(last ?? feed(0, [])), [lowered.input as string, value([packed.length], packed)]]);
    const [output] = runNodes(model, feeds, [lowered.output], variables, rng);
    const wanted = expected.outputs(first, second);
    assert.deepEqual(output?.data, [...wanted.a, ...wanted.b, ...wanted.again]);
  }
});

test('what is written for tables has names and attributes that TensorFlow takes', () => {
  for (const device of [null, '/device:CPU:0']) {
    const { nodes } = readSavedModel(lower(optimize(graph()), device, TABLES).bytes);
    const ops = new Set([...nodes.values()].map(({ op }) => op));
    for (const op of ['Fill', 'ResourceStridedSliceAssign', 'ResourceGather']) assert.ok(ops.has(op), op);
    // See tables.ts for what these would cost.
    const handles = new Set(
      [...nodes.keys()].filter((name) => nodes.get(name)?.op === 'VarHandleOp' && name.startsWith('table/')),
    );
    assert.equal(handles.size, 2);
    for (const { name, op, inputs, device: at, attributes } of nodes.values()) {
      assert.match(name, /^[A-Za-z0-9.][A-Za-z0-9_>./-]*$/);
      assert.equal(at, device ?? '');
      for (const attribute of REQUIRED[op] ?? ['T'])
        assert.ok(attributes.has(attribute), `${name}: ${op} has no ${attribute}`);
      if (op === 'ReadVariableOp') assert.ok(!handles.has(inputs[0] as string), `${name} copies a table`);
    }
  }
});

test('tables that do not fit the graph are refused by their names', () => {
  const gathers = (more: Tables['gathers']): Tables => ({ rows: 2, gathers: { ...TABLES.gathers, ...more } });
  assert.throws(() => lower(graph(), null, gathers({ d: { table: 'x', by: 'i' } })), /no input "d"/);
  assert.throws(() => lower(graph(), null, gathers({ c: { table: 'x', by: 'i' } })), /no input "c" that could be rows/);
  assert.throws(
    () => lower(graph(), null, gathers({ b: { table: 'wide', by: 'first' } })),
    /"wide" has rows of shape \[3\].*\[1\]/,
  );
});

for (const { engine, skip } of enginesWithTables) {
  test(`${engine.name} keeps tables, from call to call`, { skip }, async (context) => {
    const rng = Pcg64.fromSeed(freshSeed(context));
    const program = await engine.compile(graph(), { threads: 1, tables: TABLES });
    context.after(() => program.dispose());
    assert.deepEqual(Object.keys(program.inputs), ['first', 'second', 'c']);
    program.inputs['c']?.fill(2);
    const expected = new Expected();
    for (const { runs, first, second } of script(rng)) {
      for (const [from, count] of runs) program.putRows?.(from, Float32Array.from(expected.put(from, count)));
      program.inputs['first']?.set(first);
      program.inputs['second']?.set(second);
      await program.run();
      const outputs = Object.fromEntries(Object.entries(program.outputs).map(([name, data]) => [name, [...data]]));
      assert.deepEqual(outputs, expected.outputs(first, second));
    }
    // They are no state.
    assert.deepEqual(Object.keys(program.getState()), ['kept']);
  });

  test(`${engine.name} takes whole rows only, and only for a program with tables`, { skip }, async (context) => {
    const [program, plain] = [
      await engine.compile(graph(), { threads: 1, tables: TABLES }),
      await engine.compile(graph(), { threads: 1 }),
    ];
    context.after(async () => {
      await program.dispose();
      await plain.dispose();
    });
    assert.throws(() => program.putRows?.(0, new Float32Array(WIDTH + 1)), /5 numbers are no rows of 4/);
    assert.throws(() => plain.putRows?.(0, new Float32Array(WIDTH)), /compiled without tables/);
  });
}
