// Views of memory, each held to the list of the floats that it goes through: what strides say, spelt out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  collapse,
  dense,
  expanded,
  mayOverlap,
  permuted,
  reshaped,
  sliced,
  squeezed,
  type View,
} from '../../../src/compute/native/lower/views.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { sizeOf } from '../../../src/math/tensor.ts';
import { freshSeed } from '../../support/seed.ts';

const ROUNDS = 1500;
const buffer = { id: 1, size: 360, home: 'scratch' } as const;

/** The floats of a view in C order. */
function floatsOf({ offset, shape, strides }: Pick<View, 'offset' | 'shape' | 'strides'>): number[] {
  return shape.reduce(
    (floats, size, axis) =>
      floats.flatMap((float) => Array.from({ length: size }, (_, index) => float + index * (strides[axis] as number))),
    [offset],
  );
}

/** A shape of `size` elements, cut at random. */
function shapeOf(size: number, rng: Pcg64): number[] {
  const shape: number[] = [];
  for (let left = size; ; ) {
    const factors = [1, 2, 3, 4, 5, 6, left].filter((factor) => left % factor === 0);
    const factor = factors[rng.integers(0, factors.length)] as number;
    shape.push(factor);
    left /= factor;
    if (left === 1) return shape;
  }
}

/** A view of the buffer by some moves, and what it should go through by the same moves on lists. */
function drawView(rng: Pcg64): View {
  let view = dense(buffer, shapeOf(buffer.size, rng));
  for (let move = rng.integers(0, 5); move > 0; move -= 1) {
    const { shape } = view;
    switch (rng.integers(0, 4)) {
      case 0: {
        const begin = shape.map((size) => rng.integers(0, size));
        const cut = shape.map((size, axis) => 1 + rng.integers(0, size - (begin[axis] as number)));
        view = sliced(view, begin, cut);
        break;
      }
      case 1:
        view = permuted(
          view,
          shape.map((_, axis) => (axis + 1) % shape.length),
        );
        break;
      case 2:
        if (sizeOf(shape) < 300) view = expanded(view, [2, ...shape.map((size) => (size === 1 ? 3 : size))]);
        break;
      default:
        view = reshaped(view, shapeOf(sizeOf(shape), rng)) ?? view;
    }
  }
  return view;
}

test('a view in another shape goes through the same floats in the same order, wherever there is one', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  let found = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const view = drawView(rng);
    const shape = shapeOf(sizeOf(view.shape), rng);
    const other = reshaped(view, shape);
    if (other === undefined) continue;
    found += 1;
    assert.deepEqual(other.shape, shape);
    assert.deepEqual(floatsOf(other), floatsOf(view), `[${view.shape}]:${view.strides} as [${shape}]`);
    assert.deepEqual(floatsOf(squeezed(view)), floatsOf(view));
  }
  assert.ok(found > ROUNDS / 10 && found < ROUNDS, `${found} views of ${ROUNDS}`);
});

test('a copy is made only where there is no view', () => {
  const whole = dense(buffer, [12, 30]);
  const rows = sliced(whole, [3, 0], [4, 30]);
  assert.deepEqual(reshaped(rows, [2, 60])?.strides, [60, 1]);
  assert.deepEqual(reshaped(rows, [120])?.offset, 90);
  const columns = sliced(whole, [0, 5], [12, 6]);
  assert.deepEqual(reshaped(columns, [3, 4, 2, 3])?.strides, [120, 30, 3, 1]);
  assert.equal(reshaped(columns, [72]), undefined);
  assert.equal(reshaped(permuted(whole, [1, 0]), [360]), undefined);
  const repeated = expanded(dense({ ...buffer, size: 5 }, [5]), [3, 5]);
  assert.deepEqual(reshaped(repeated, [3, 1, 5])?.strides, [0, 0, 1]);
  assert.equal(reshaped(repeated, [15]), undefined);
});

test('a collapsed loop nest visits what the full one visits, for several operands at once', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  for (let round = 0; round < ROUNDS; round += 1) {
    const one = drawView(rng);
    // A second operand of the same shape: dense, or broadcast along some axes.
    const other = dense({ ...buffer, size: sizeOf(one.shape) }, one.shape);
    const strides = other.strides.map((stride) => (rng.integers(0, 4) === 0 ? 0 : stride));
    const nest = collapse([one.shape, one.strides, strides]);
    assert.ok(nest.shape.length <= one.shape.length && !nest.shape.includes(1));
    for (const [index, full] of [one.strides, strides].entries())
      assert.deepEqual(
        floatsOf({ offset: 0, shape: nest.shape, strides: nest.strides[index] as number[] }),
        floatsOf({ offset: 0, shape: one.shape, strides: full }),
      );
  }
});

test('views that are said not to overlap share no float', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  let apart = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const [a, b] = [drawView(rng), drawView(rng)];
    assert.equal(mayOverlap(a, b), mayOverlap(b, a));
    if (mayOverlap(a, b)) continue;
    apart += 1;
    const floats = new Set(floatsOf(a));
    assert.ok(!floatsOf(b).some((float) => floats.has(float)), `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
  }
  assert.ok(apart > 0);
});

test('parts of a concatenation do not overlap, along any axis and turned', () => {
  for (const axis of [0, 1, 2]) {
    const whole = dense(buffer, [4, 9, 10]);
    const part = (start: number, size: number): View =>
      sliced(
        whole,
        [0, 1, 2].map((at) => (at === axis ? start : 0)),
        whole.shape.map((full, at) => (at === axis ? size : full)),
      );
    const [first, second] = [part(0, 2), part(2, 2)];
    assert.ok(!mayOverlap(first, second));
    assert.ok(!mayOverlap(permuted(first, [2, 0, 1]), second));
    assert.ok(!mayOverlap(squeezed(part(0, 1)), squeezed(part(1, 1))));
    assert.ok(mayOverlap(part(0, 3), second));
  }
});
