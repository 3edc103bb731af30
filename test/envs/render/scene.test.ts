import assert from 'node:assert/strict';
import test from 'node:test';
import { drawScene } from '../../../src/envs/render/draw-scene.ts';
import { axesOf, extents, type Lens, project } from '../../../src/envs/render/lens.ts';
import type { Geom } from '../../../src/envs/render/scene.ts';
import { SHAPES, type Shape } from '../../../src/envs/render/shapes.ts';
import { add, dot, unit, type Vector } from '../../../src/envs/render/vectors.ts';
import { Looking } from '../../../src/envs/render/visibility.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { pixelOf } from '../../support/png.ts';

const UPRIGHT = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const RED = [1, 0, 0] as const;
const GREEN = [0, 1, 0] as const;

const SIZE = { width: 90, height: 60 };
/** Off every axis, so that no sign can be wrong unseen. */
const LENS: Lens = {
  parallel: false,
  position: [0.5, -3, 1.2],
  ...axesOf(80, -15),
  ...extents(50, SIZE),
};

function geom(shape: Shape, size: Vector, position: Vector, more: Partial<Geom> = {}): Geom {
  return { shape, size, position, rotation: UPRIGHT, color: RED, ...more };
}

/** Turned by `angle` about the axis (1, 1, 1). */
function turned(angle: number): number[] {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [same, next, last] = [(1 + 2 * c) / 3, (1 - c) / 3 + s / Math.sqrt(3), (1 - c) / 3 - s / Math.sqrt(3)];
  return [same, last, next, next, same, last, last, next, same];
}

/** From the eye through the middle of a pixel. */
function rayOf(x: number, y: number): Vector {
  const a = (2 * (x + 0.5)) / SIZE.width - 1;
  const b = 1 - (2 * (y + 0.5)) / SIZE.height;
  return add(add(LENS.forward, LENS.right, a * LENS.halfWidth), LENS.up, b * LENS.halfHeight);
}

const see = (geoms: readonly Geom[]) => new Looking(geoms, LENS, SIZE.width, SIZE.height, SIZE.height).band(0);

test('a ball covers exactly the pixels whose rays pass nearer than its radius', () => {
  const [center, radius]: [Vector, number] = [[0.9, 0.2, 0.6], 0.45];
  const { geom: seen } = see([geom('sphere', [radius, 0, 0], center)]);
  const towards = add(center, LENS.position, -1);
  const widest = Math.asin(radius / Math.sqrt(dot(towards, towards)));
  let covered = 0;
  for (let y = 0; y < SIZE.height; y++) {
    for (let x = 0; x < SIZE.width; x++) {
      const angle = Math.acos(dot(unit(rayOf(x, y)), unit(towards)));
      assert.equal(seen[y * SIZE.width + x], angle < widest ? 0 : -1, `pixel (${x}, ${y})`);
      covered += angle < widest ? 1 : 0;
    }
  }
  assert.ok(covered > 100);
});

test('a camera looks where its angles say, and its picture is upright', () => {
  const ahead: Lens = { parallel: false, position: [0, 0, 1], ...axesOf(90, 0), ...extents(90, SIZE) };
  const right = project(ahead, [2, 4, 1]);
  assert.ok(Math.abs(right.depth - 4) < 1e-12 && Math.abs(right.b) < 1e-12);
  // tan 45° · 90 / 60 to the edge.
  assert.ok(Math.abs(right.a - 2 / 4 / 1.5) < 1e-12);
  const above = project(ahead, [0, 4, 3]);
  assert.ok(Math.abs(above.a) < 1e-12 && Math.abs(above.b - 0.5) < 1e-12);
});

test('the picture has a ball where its centre is projected', () => {
  const center: Vector = [1.1, 0.5, 0.9];
  const scene = { geoms: [geom('sphere', [0.2, 0, 0], center)], fieldSize: 1, sight: 100 };
  const image = drawScene(scene, LENS, SIZE.width, SIZE.height);
  const { a, b } = project(LENS, center);
  const [x, y] = [Math.floor(((a + 1) / 2) * SIZE.width), Math.floor(((1 - b) / 2) * SIZE.height)];
  const [red, green, blue] = pixelOf(image, x, y);
  assert.ok(red > 100 && green < 60 && blue < 60, `${red}, ${green}, ${blue}`);
  // Elsewhere is sky.
  for (const [skyX, skyY] of [
    [1, 1],
    [SIZE.width - 2, 1],
  ] as const) {
    const [skyRed, , skyBlue] = pixelOf(image, skyX, skyY);
    assert.ok(skyBlue > skyRed);
  }
});

test('what is nearer hides what is farther, in whichever order they come', () => {
  const near = geom('box', [0.3, 0.3, 0.3], [0.6, -1, 0.7], { color: GREEN });
  const far = geom('sphere', [1, 0, 0], [0.8, 1, 0.5]);
  const { a, b } = project(LENS, near.position);
  const at = Math.floor(((1 - b) / 2) * SIZE.height) * SIZE.width + Math.floor(((a + 1) / 2) * SIZE.width);
  assert.equal(see([near, far]).geom[at], 0);
  assert.equal(see([far, near]).geom[at], 1);
  const draw = (geoms: Geom[]) => drawScene({ geoms, fieldSize: 1, sight: 50 }, LENS, SIZE.width, SIZE.height).data;
  assert.deepEqual(draw([near, far]), draw([far, near]));
});

test('a body behind the eye is not seen, nor one around it', () => {
  const behind = add(LENS.position, LENS.forward, -2);
  for (const hidden of [geom('sphere', [0.5, 0, 0], behind), geom('box', [3, 3, 3], LENS.position)]) {
    assert.ok(see([hidden]).geom.every((index) => index === -1));
  }
});

/** Whether a point lies on the surface, as an equation that knows nothing of rays: 0 there. */
const EQUATIONS: Readonly<Record<Shape, (point: Vector, size: Vector) => number>> = {
  plane: ([, , z]) => z,
  sphere: (point, [r]) => Math.sqrt(dot(point, point)) - r,
  ellipsoid: ([x, y, z], [a, b, c]) => (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 - 1,
  capsule: ([x, y, z], [r, half]) => Math.sqrt(x * x + y * y + Math.max(0, Math.abs(z) - half) ** 2) - r,
  cylinder: ([x, y, z], [r, half]) => Math.max(Math.sqrt(x * x + y * y) - r, Math.abs(z) - half),
  box: ([x, y, z], [a, b, c]) => Math.max(Math.abs(x) - a, Math.abs(y) - b, Math.abs(z) - c),
};

for (const shape of Object.keys(SHAPES) as Shape[]) {
  test(`rays meet a ${shape} on its surface, from outside, and at its first point`, () => {
    const rng = Pcg64.fromSeed(3);
    const size: Vector = [0.5, 0.8, 0.3];
    let met = 0;
    for (let i = 0; i < 4000; i++) {
      const [o, to] = [rng.uniformArray(-3, 3, 3), rng.uniformArray(-1, 1, 3)] as unknown as [Vector, Vector];
      if (EQUATIONS[shape](o, size) <= 0) continue;
      const d = add(to, o, -1);
      const t = SHAPES[shape].hit(...o, ...d, ...size);
      const before = (share: number) => EQUATIONS[shape](add(o, d, share), size);
      if (t === Infinity) {
        // A plane ends after its size.
        if (shape === 'plane') continue;
        for (let s = 0; s < 200; s++) assert.ok(before(s / 100) > -1e-6, `ray ${i} passes through`);
        continue;
      }
      met += 1;
      assert.ok(Math.abs(before(t)) < 1e-9, `ray ${i} stops at ${before(t)}`);
      for (let s = 0; s < 100; s++) assert.ok(before((t * s) / 100) > -1e-9, `ray ${i} was inside already`);
      const point = add(o, d, t);
      const normal = SHAPES[shape].normal(point, size);
      assert.ok(dot(normal, d) < 1e-9, `ray ${i} meets a face that is turned away`);
      assert.ok(EQUATIONS[shape](add(point, unit(normal), 1e-4), size) > 0, `ray ${i} has a normal that leads inside`);
    }
    assert.ok(met > 100, `${met} rays met it`);
  });

  test(`no sample of a ${shape} is lost to the bounds of its hull`, () => {
    if (SHAPES[shape].hull === null) return;
    for (let i = 0; i < 12; i++) {
      const size: Vector = [0.2 + 0.03 * i, 0.7, 0.4];
      // Some reach over the edges of the picture, and some stand close to the eye.
      const position: Vector = [i / 4 - 1, (i % 5) - 2.2, 0.7];
      const body = geom(shape, size, position, { rotation: turned(i) });
      const { geom: seen } = see([body]);
      for (let y = 0; y < SIZE.height; y++) {
        for (let x = 0; x < SIZE.width; x++) {
          const local = (v: Vector) =>
            [0, 1, 2].map((c) => dot(v, [0, 1, 2].map((r) => body.rotation[3 * r + c]) as never));
          const [o, d] = [local(add(LENS.position, position, -1)), local(rayOf(x, y))] as unknown as [Vector, Vector];
          const isHit = SHAPES[shape].hit(...o, ...d, ...size) < Infinity;
          assert.equal(seen[y * SIZE.width + x] === 0, isHit, `body ${i}, pixel (${x}, ${y})`);
        }
      }
    }
  });
}

test('a body throws a shadow on the floor, away from the lamp', () => {
  const floor = geom('plane', [0, 0, 1], [0, 0, 0]);
  const above: Lens = { parallel: false, position: [0, 0, 6], ...axesOf(90, -90), ...extents(60, SIZE) };
  const draw = (geoms: Geom[]) => drawScene({ geoms, fieldSize: 100, sight: 1e6 }, above, SIZE.width, SIZE.height);
  const [bare, shaded] = [draw([floor]), draw([floor, geom('sphere', [0.3, 0, 0], [0, 0, 1.5])])];
  // The lamp stands over (−0.35, −0.5): the shadow of what is 1.5 m high falls 1.5 times that farther.
  const { a, b } = project(above, [0.525, 0.75, 0]);
  const at = [Math.floor(((a + 1) / 2) * SIZE.width), Math.floor(((1 - b) / 2) * SIZE.height)] as const;
  const [dark] = pixelOf(shaded, ...at);
  const [lit] = pixelOf(bare, ...at);
  assert.ok(dark < 0.7 * lit, `${dark} beside ${lit}`);
  const [opposite, unshaded] = [pixelOf(shaded, 8, 52), pixelOf(bare, 8, 52)];
  assert.deepEqual(opposite, unshaded);
});
