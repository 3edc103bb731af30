// Shapes stand where the state says. The pixels are worked out by hand from Gymnasium's scales.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ACROBOT, CART_POLE, mountainCarDrawing, PENDULUM } from '../../../src/envs/classic/drawings.ts';
import { Canvas } from '../../../src/envs/render/canvas.ts';
import { drawn, rgb } from '../../../src/envs/render/drawing.ts';
import { frozenLakeDrawing, taxiDrawing } from '../../../src/envs/toy-text/drawings.ts';
import { Grid } from '../../../src/envs/toy-text/grid.ts';
import { pixelOf } from '../../support/png.ts';

const WHITE = [255, 255, 255];

test('the pendulum lies to the left at θ = π/2, as in Gymnasium', () => {
  const image = drawn('p', PENDULUM, Math.PI / 2);
  // 500 / 4.4 pixels a metre, its pivot in the middle.
  assert.deepEqual(pixelOf(image, 250 - 100, 250), [204, 77, 77]);
  assert.deepEqual(pixelOf(image, 250 + 100, 250), WHITE);
  assert.deepEqual(pixelOf(image, 250, 250 - 100), WHITE);
  assert.deepEqual(pixelOf(image, 250, 250), [0, 0, 0]);
});

test('the cart stands at x, and its pole leans to the right at θ > 0', () => {
  const image = drawn('c', CART_POLE, { x: 1, theta: Math.PI / 4 });
  // 125 pixels a metre; the rail is 100 pixels above the lower edge.
  assert.deepEqual(pixelOf(image, 300 + 125 - 20, 300 + 10), [30, 30, 36]);
  assert.deepEqual(pixelOf(image, 300, 320), WHITE);
  assert.deepEqual(pixelOf(image, 300 + 125 + 60, 300 - 7 - 60), [202, 152, 101]);
  assert.deepEqual(pixelOf(image, 300 + 125 - 60, 300 - 7 - 60), WHITE);
});

test('the acrobot hangs at 0 and turns to the right', () => {
  const hanging = drawn('a', ACROBOT, { theta1: 0, theta2: 0 });
  assert.deepEqual(pixelOf(hanging, 250, 250 + 170), [0, 204, 204]);
  const bent = drawn('a', ACROBOT, { theta1: Math.PI / 2, theta2: Math.PI / 2 });
  assert.deepEqual(pixelOf(bent, 250 + 60, 250), [0, 204, 204]);
  assert.deepEqual(pixelOf(bent, 250 + 114, 250 - 60), [0, 204, 204]);
});

test('the car stands on the hill, and the flag at its goal', () => {
  const drawing = mountainCarDrawing(0.5);
  // 600 / 1.8 pixels a unit; the lowest place is x = −π/6, 0.1 high.
  const image = drawn('m', drawing, -Math.PI / 6);
  const column = Math.round((1.2 - Math.PI / 6) * (600 / 1.8));
  assert.deepEqual(pixelOf(image, column, Math.round(400 - 0.17 * (600 / 1.8))), [30, 30, 36]);
  assert.deepEqual(pixelOf(image, column, Math.round(400 - 0.05 * (600 / 1.8))), [222, 214, 196]);
  const flag = Math.round(1.7 * (600 / 1.8)) + 8;
  assert.deepEqual(pixelOf(image, flag, Math.round(400 - (1 + 0.135) * (600 / 1.8))), [204, 204, 0]);
});

test('a lake has its holes where its map says, and the walker where the state says', () => {
  const grid = new Grid(2, 3);
  const image = drawn('f', frozenLakeDrawing(grid, 'SFHFFG'), 3);
  assert.deepEqual([image.width, image.height], [192, 128]);
  const hole = [28, 62, 104];
  assert.deepEqual(pixelOf(image, 2 * 64 + 32, 32), hole);
  assert.notDeepEqual(pixelOf(image, 64 + 32, 32), hole);
  const coat = [40, 140, 80];
  assert.deepEqual(pixelOf(image, 32, 64 + 48), coat);
  assert.notDeepEqual(pixelOf(image, 32, 48), coat);
});

test('a taxi shows whether somebody is on board', () => {
  const grid = new Grid(5, 5);
  const drawing = taxiDrawing(grid, { stands: [0, 4, 20, 23], walls: new Set([1]) });
  const window = (passenger: number) => pixelOf(drawn('t', drawing, { cell: 12, passenger, destination: 1 }), 250, 245);
  assert.deepEqual(window(4), [120, 60, 150]);
  assert.deepEqual(window(0), [250, 250, 250]);
});

test('edges are covered by as much as a shape reaches into a pixel', () => {
  const canvas = new Canvas({ width: 20, height: 20 }, { center: [10, 10], width: 20, height: 20 }, rgb(0, 0, 0));
  canvas.rectangle([4, 4], [8.25, 16], rgb(200, 100, 40));
  assert.deepEqual(pixelOf(canvas.image, 7, 10), [200, 100, 40]);
  // The edge runs a quarter of the way through column 8; a distance to the edge makes that cover.
  assert.deepEqual(pixelOf(canvas.image, 8, 10), [50, 25, 10]);
  assert.deepEqual(pixelOf(canvas.image, 9, 10), [0, 0, 0]);
});

test('a picture of another shape shows more of the plane, and keeps what it shows round', () => {
  const wide = drawn('p', PENDULUM, Math.PI, { width: 300, height: 100 });
  const scale = 100 / 4.4;
  assert.deepEqual(pixelOf(wide, 150, Math.floor(50 + 0.8 * scale)), [204, 77, 77]);
  assert.deepEqual(pixelOf(wide, 150 + Math.ceil(0.2 * scale), Math.floor(50 + 0.8 * scale)), WHITE);
});
