import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Box } from '../../../src/envs/spaces/box.ts';
import { Discrete } from '../../../src/envs/spaces/discrete.ts';
import { fromDocument } from '../../../src/envs/spaces/from-document.ts';
import type { JsonTensor } from '../../../src/envs/spaces/space.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { type Packed, readFixture, rows } from '../../fixtures/read.ts';
import { drawSeed } from '../../support/seed.ts';

const fixture = readFixture<{
  boxes: {
    dtype: 'float32' | 'float64';
    shape: number[];
    low: string[];
    high: string[];
    seed: number;
    samples: Packed;
  }[];
  discretes: { n: number; start: number; seed: number; samples: number[] }[];
}>('spaces');

for (const { dtype, shape, low, high, seed, samples } of fixture.boxes) {
  test(`Box samples as Gymnasium does: ${dtype} [${shape}] from ${low[0]} to ${high[0]}`, () => {
    const box = new Box({ low: low.map(Number), high: high.map(Number), shape, dtype });
    const rng = Pcg64.fromSeed(seed);
    for (const expected of rows(samples)) {
      const drawn = box.sample(rng);
      assert.deepEqual(drawn, expected);
      assert.ok(box.contains(drawn));
    }
  });
}

for (const { n, start, seed, samples } of fixture.discretes) {
  test(`Discrete(${n}, start=${start}) samples as Gymnasium does`, () => {
    const space = new Discrete({ n, start });
    const rng = Pcg64.fromSeed(seed);
    assert.deepEqual(
      samples.map(() => space.sample(rng)),
      samples,
    );
  });
}

const actions = new Box({ low: -1, high: 1, shape: [3], dtype: 'float32' });
const matrix = new Box({ low: [-1, -1, 0, 0], high: [1, 1, 2, Infinity], shape: [2, 2], dtype: 'float64' });

test('actions are rounded to the dtype, and finite ones beyond the bounds pass', () => {
  assert.deepEqual(actions.parse([0.1, -7, 1], 'action'), Float32Array.of(0.1, -7, 1));
  assert.deepEqual(
    matrix.parse(
      [
        [1, 2],
        [3, 4],
      ],
      'action',
    ),
    Float64Array.of(1, 2, 3, 4),
  );
});

for (const [space, value, message] of [
  [
    actions,
    [0, 0],
    /^action has 2 elements, not 3\. Send a list of numbers with shape \[3\], finite and meant for \[-1, 1\]\.$/,
  ],
  [actions, [0, 0, 0, 0], /^action has 4 elements, not 3/],
  [actions, 0, /^action is 0, not a list of 3/],
  [actions, undefined, /^action is missing, not a list/],
  [actions, null, /^action is null, not a list/],
  [actions, { 0: 1, 1: 1, 2: 1, length: 3 }, /^action is \{"0":1/],
  [actions, [null, 0, 0], /^action\[0\] is null \(null\), not a number/],
  [actions, [0, '1', 0], /^action\[1\] is a string \("1"\), not a number/],
  [actions, [0, true, 0], /^action\[1\] is a boolean \(true\), not a number/],
  [actions, [0, 0, [1]], /^action\[2\] is a list \(\[1\]\), not a number/],
  [actions, [0, 0, NaN], /^action\[2\] is NaN, which is not finite/],
  [actions, [0, 0, 'NaN'], /^action\[2\] is NaN, which is not finite/],
  [actions, [0, '-Infinity', 0], /^action\[1\] is -Infinity, which is not finite/],
  [actions, [1e39, 0, 0], /^action\[0\] is 1e\+39, too large for float32/],
  [
    matrix,
    [
      [0, 0],
      [0, 'Infinity'],
    ],
    /^action\[1\]\[1\] is Infinity.*shape \[2, 2\], finite and meant for the bounds of the space/,
  ],
  [matrix, [[0, 0], [0]], /^action\[1\] has 1 elements, not 2/],
] as const) {
  test(`Box refuses the action ${JSON.stringify(value)} with ${message}`, () => {
    assert.throws(() => space.parse(value, 'action'), { code: 'action_out_of_space', message });
  });
}

test('observations may hold the names of numbers JSON lacks, and nothing else that is no number', () => {
  assert.deepEqual(
    actions.parse(['NaN', 'Infinity', '-Infinity'], 'observation'),
    Float32Array.of(NaN, Infinity, -Infinity),
  );
  assert.deepEqual(actions.toJson(Float32Array.of(NaN, Infinity, -Infinity)), ['NaN', 'Infinity', '-Infinity']);
  for (const value of [
    ['nan', 0, 0],
    [null, 0, 0],
    [1e39, 0, 0],
  ]) {
    assert.throws(() => actions.parse(value, 'observation'), { code: 'observation_out_of_space' });
  }
});

test('Box contains arrays of its dtype and size within its bounds only', () => {
  assert.ok(actions.contains(Float32Array.of(-1, 0, 1)));
  for (const value of [
    Float32Array.of(0, 0, 1.001),
    Float32Array.of(NaN, 0, 0),
    new Float64Array(3),
    new Float32Array(2),
    [0, 0, 0],
  ]) {
    assert.equal(actions.contains(value), false);
  }
});

test('spaces survive their documents', () => {
  for (const space of [actions, matrix, new Discrete({ n: 4, start: -1 })]) {
    const document = JSON.parse(JSON.stringify(space.toDocument()));
    assert.deepEqual(fromDocument(document), space);
  }
  assert.deepEqual(matrix.toDocument().high, [
    [1, 1],
    [2, 'Infinity'],
  ]);
  assert.equal(actions.toDocument().low, -1);
});

test('bounds that fit nothing are refused', () => {
  for (const [low, high, shape] of [
    [1, 0, [1]],
    [NaN, 0, [1]],
    [[0, 0], 1, [3]],
  ] as const) {
    assert.throws(() => new Box({ low, high, shape, dtype: 'float32' }), { code: 'unsupported_space' });
  }
  assert.throws(() => Box.fromDocument({ ...matrix.toDocument(), low: [[0, 0]] }), {
    code: 'unsupported_space',
    message: /^low of the Box has 1/,
  });
  for (const n of [0, -1, 1.5]) assert.throws(() => new Discrete({ n }), { code: 'unsupported_space' });
});

test('Discrete takes its integers only', () => {
  const space = new Discrete({ n: 3, start: 2 });
  assert.deepEqual(
    [2, 3, 4].map((value) => space.parse(value, 'action')),
    [2, 3, 4],
  );
  for (const value of [1, 5, 2.5, '2', true, null, undefined, [2], NaN]) {
    assert.throws(() => space.parse(value, 'action'), {
      code: 'action_out_of_space',
      message: /one integer from 2 to 4/,
    });
  }
});

const seed = drawSeed();

/** A float64 Box and one of its elements, as nested lists of at most 3 dimensions. */
const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
const elements = shapes.chain((shape) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return fc.tuple(
    fc.constant(shape),
    fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: size, maxLength: size }),
  );
});

test(`what a Box writes it reads back (SEED=${seed})`, () => {
  fc.assert(
    fc.property(elements, ([shape, values]) => {
      const box = new Box({ low: -Infinity, high: Infinity, shape, dtype: 'float64' });
      const value = Float64Array.from(values);
      assert.deepEqual(box.parse(box.toJson(value), 'action'), value);
    }),
    { seed },
  );
});

/** `json` with the leaf number `target` (counted modulo the leaves) replaced. */
function replaceLeaf(json: JsonTensor, target: number, by: unknown): unknown {
  const places: { list: unknown[]; index: number }[] = [];
  const copy = structuredClone({ root: [json] as unknown[] });
  const visit = (list: unknown[]) => {
    for (const [index, part] of list.entries()) Array.isArray(part) ? visit(part) : places.push({ list, index });
  };
  visit(copy.root);
  const { list, index } = places[target % places.length] as { list: unknown[]; index: number };
  list[index] = by;
  return copy.root[0];
}

test(`one leaf that is not a finite number spoils an action (SEED=${seed})`, () => {
  const notANumber = fc.anything().filter((x) => !(typeof x === 'number' && Number.isFinite(x)));
  fc.assert(
    fc.property(elements, fc.nat(), notANumber, ([shape, values], target, by) => {
      const box = new Box({ low: -Infinity, high: Infinity, shape, dtype: 'float64' });
      const spoilt = replaceLeaf(box.toJson(Float64Array.from(values)), target, by);
      assert.throws(() => box.parse(spoilt, 'action'), { code: 'action_out_of_space' });
    }),
    { seed },
  );
});
