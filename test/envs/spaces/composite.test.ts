// MultiDiscrete, MultiBinary, Tuple and Dict, held to what Gymnasium sampled (scripts/record-classic-fixtures.py).
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Box } from '../../../src/envs/spaces/box.ts';
import { Dict } from '../../../src/envs/spaces/dict.ts';
import { Discrete } from '../../../src/envs/spaces/discrete.ts';
import { flatSize, flatten, unflatten } from '../../../src/envs/spaces/flatten.ts';
import { fromDocument } from '../../../src/envs/spaces/from-document.ts';
import { MultiBinary } from '../../../src/envs/spaces/multi-binary.ts';
import { MultiDiscrete } from '../../../src/envs/spaces/multi-discrete.ts';
import { seededSampler } from '../../../src/envs/spaces/seeded-sampler.ts';
import type { AnySpace, AnySpaceDocument, JsonElement } from '../../../src/envs/spaces/space.ts';
import { Tuple } from '../../../src/envs/spaces/tuple.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { readFixture } from '../../fixtures/read.ts';
import { drawSeed } from '../../support/seed.ts';

const { cases } = readFixture<{
  cases: { space: AnySpaceDocument; seed: number; samples: JsonElement[]; flat?: number[][] }[];
}>('composite-spaces');

/** A short name: composites by their parts. */
function nameOf(document: AnySpaceDocument): string {
  switch (document.type) {
    case 'Tuple':
      return `Tuple(${document.spaces.map(nameOf).join(', ')})`;
    case 'Dict':
      return `Dict(${document.spaces.map(({ key, space }) => `${key}: ${nameOf(space)}`).join(', ')})`;
    default:
      return document.type;
  }
}

for (const [i, { space: document, seed, samples, flat }] of cases.entries()) {
  test(`${i}. ${nameOf(document)} with seed ${seed} samples and flattens as Gymnasium does`, () => {
    const space = fromDocument(document);
    const sample = seededSampler(space, seed);
    for (const [j, expected] of samples.entries()) {
      const drawn = sample();
      assert.deepEqual(space.toJson(drawn), expected);
      assert.ok(space.contains(drawn));
      if (flat !== undefined) assert.deepEqual([...flatten(space, drawn)], flat[j]);
    }
  });
}

const levers = new MultiDiscrete({ nvec: [3, 2, 5, 1], start: [0, -1, 10, 7], shape: [2, 2] });
const keys = new MultiBinary({ shape: [3] });
const both = new Tuple([new Discrete({ n: 2 }), keys]);
const robot = new Dict([
  ['levers', levers],
  ['arm', new Box({ low: -1, high: 1, shape: [2], dtype: 'float32' })],
  ['rest', both],
]);

for (const [space, value, message] of [
  [levers, [[0, 0]], /^action has 1 elements, not 2\. Send integers in nested lists of shape \[2, 2\]\.$/],
  [levers, 3, /^action is 3, not a list of 2/],
  [
    levers,
    [
      [0, 0],
      [15, 7],
    ],
    /^action\[1\]\[0\] is 15, not an integer from 10 to 14/,
  ],
  [
    levers,
    [
      [0, 0.5],
      [10, 7],
    ],
    /^action\[0\]\[1\] is 0\.5, not an integer from -1 to 0/,
  ],
  [
    levers,
    [
      [0, null],
      [10, 7],
    ],
    /^action\[0\]\[1\] is null/,
  ],
  [keys, [0, 1, 2], /^action\[2\] is 2, not an integer from 0 to 1/],
  [keys, [0, 1, true], /^action\[2\] is a boolean/],
  [keys, [0, 1, 'NaN'], /^action\[2\] is NaN/],
  [both, [0], /^action is \[0\]\. Send a list of 2/],
  [both, { 0: 0, 1: [0, 0, 0], length: 2 }, /^action is \{/],
  [both, [2, [0, 0, 0]], /^action\[0\] is 2\. Send one integer from 0 to 1/],
  [both, [1, [0, 0, 5]], /^action\[1\]\[2\] is 5/],
  [robot, null, /^action is null\. Send an object with the keys "levers", "arm", "rest"\.$/],
  [robot, [], /^action is \[\]/],
  [robot, { levers: 0, arm: 0 }, /^action is \{/],
  [robot, { levers: 0, arm: 0, rest: 0, more: 0 }, /^action is \{/],
  [
    robot,
    {
      levers: [
        [0, 0],
        [10, 7],
      ],
      arm: [0, 'NaN'],
      rest: 0,
    },
    /^action\["arm"\]\[1\] is NaN/,
  ],
  [
    robot,
    {
      levers: [
        [0, 0],
        [10, 7],
      ],
      arm: [0, 0],
      rest: [0, [0, 0]],
    },
    /^action\["rest"\]\[1\] has 2 elements, not 3/,
  ],
] as const) {
  test(`${nameOf(space.toDocument())} refuses the action ${JSON.stringify(value)} with ${message}`, () => {
    assert.throws(() => space.parse(value, 'action'), { code: 'action_out_of_space', message });
    assert.throws(() => space.parse(value, 'observation'), { code: 'observation_out_of_space' });
  });
}

test('spaces contain arrays of their own type, size and range only', () => {
  assert.ok(levers.contains(Int32Array.of(2, -1, 14, 7)));
  assert.ok(keys.contains(Uint8Array.of(0, 1, 1)));
  assert.ok(both.contains([1, Uint8Array.of(0, 0, 0)]));
  for (const [space, value] of [
    [levers, Int32Array.of(3, -1, 14, 7)],
    [levers, Int32Array.of(2, -1, 14)],
    [levers, [2, -1, 14, 7]],
    [keys, Uint8Array.of(0, 1, 2)],
    [keys, Int32Array.of(0, 1, 1)],
    [both, [1]],
    [both, [1, Uint8Array.of(0, 0, 0), 0]],
    [robot, Object.create({ levers: 0, arm: 0, rest: 0 })],
    [robot, new Float32Array(3)],
  ] as const)
    assert.equal(space.contains(value), false);
});

test('spaces that make no sense are refused', () => {
  const refused = { code: 'unsupported_space' };
  for (const options of [
    { nvec: [0] },
    { nvec: [1.5] },
    { nvec: [2 ** 31, 2], start: [1, 0] },
    { nvec: [2, 2], start: [0] },
    { nvec: [2, 2], shape: [3] },
  ])
    assert.throws(() => new MultiDiscrete(options), refused);
  assert.throws(() => fromDocument({ type: 'MultiDiscrete', nvec: [[2, 2], [2]], start: [0] }), refused);
  assert.throws(() => fromDocument({ type: 'MultiDiscrete', nvec: [2, 2], start: 0 }), refused);
  for (const shape of [[0], [-1], [0.5]]) assert.throws(() => new MultiBinary({ shape }), refused);
  assert.throws(
    () =>
      new Dict([
        ['a', keys],
        ['a', keys],
      ]),
    { ...refused, message: /two parts with the key "a"/ },
  );
});

test('flat arrays of another size, or without a choice, are refused', () => {
  assert.throws(() => unflatten(robot, new Float64Array(3)), RangeError);
  assert.throws(() => unflatten(both, new Float64Array(flatSize(both))), RangeError);
});

const { space: anySpace } = fc.letrec<{ space: AnySpace; leaf: AnySpace; tuple: AnySpace; dict: AnySpace }>((tie) => {
  const size = fc.integer({ min: 1, max: 4 });
  const shape = fc.array(size, { minLength: 1, maxLength: 3 });
  const counts = fc.array(fc.record({ n: fc.integer({ min: 1, max: 9 }), start: fc.integer() }), { maxLength: 4 });
  return {
    space: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), tie('tuple'), tie('dict')),
    leaf: fc.oneof(
      fc.record({ n: size, start: fc.integer() }).map((options) => new Discrete(options)),
      shape.map((shape) => new MultiBinary({ shape })),
      counts
        .filter((elements) => elements.every(({ n, start }) => start + n <= 2 ** 31))
        .map(
          (elements) => new MultiDiscrete({ nvec: elements.map(({ n }) => n), start: elements.map((e) => e.start) }),
        ),
      fc
        .record({ shape, dtype: fc.constantFrom('float32' as const, 'float64' as const), open: fc.boolean() })
        .map(({ shape, dtype, open }) => new Box({ low: open ? -Infinity : -1, high: 1, shape, dtype })),
    ),
    tuple: fc.array(tie('space'), { maxLength: 3 }).map((parts) => new Tuple(parts)),
    dict: fc
      .uniqueArray(fc.tuple(fc.oneof(fc.string(), fc.constant('__proto__')), tie('space')), {
        maxLength: 3,
        selector: ([key]) => key,
      })
      .map((parts) => new Dict(parts)),
  };
});

const seed = drawSeed();
const overJson = <T>(value: T): T => JSON.parse(JSON.stringify(value));

test(`any space survives its document, and its elements survive JSON and flattening (SEED=${seed})`, () => {
  fc.assert(
    fc.property(anySpace, fc.nat(), (space, sampleSeed) => {
      const copy = fromDocument(overJson(space.toDocument()));
      assert.deepEqual(copy.toDocument(), space.toDocument());
      const [sample, sampleCopy] = [seededSampler(space, sampleSeed), seededSampler(copy, sampleSeed)];
      for (const drawn of [sample(), sample(), space.sample(Pcg64.fromSeed(sampleSeed))]) {
        assert.ok(space.contains(drawn));
        const json = overJson(space.toJson(drawn));
        assert.deepEqual(copy.parse(json, 'action'), drawn);
        assert.deepEqual(copy.parse(json, 'observation'), drawn);
        const flat = flatten(space, drawn);
        assert.equal(flat.length, flatSize(space));
        assert.deepEqual(unflatten(space, flat), drawn);
      }
      assert.deepEqual(seededSampler(space, sampleSeed)(), sampleCopy());
    }),
    { seed },
  );
});
