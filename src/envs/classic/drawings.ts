// Classic control as Gymnasium draws it (gymnasium/envs/classic_control, 1.4.0), in the units of each environment.
import type { Canvas, Point } from '../render/canvas.ts';
import { type Drawing, rgb } from '../render/drawing.ts';

const WHITE = rgb(255, 255, 255);
const BLACK = rgb(0, 0, 0);
const EARTH = rgb(222, 214, 196);

/** From `origin`, `length` m in the direction `angle` rad clockwise from up. */
const swung = ([x, y]: Point, length: number, angle: number): Point => [
  x + length * Math.sin(angle),
  y + length * Math.cos(angle),
];

/** θ, 0 upright. Positive angles turn counter-clockwise, as in Gymnasium's picture. */
export const PENDULUM: Drawing<number> = {
  size: { width: 500, height: 500 },
  window: { center: [0, 0], width: 4.4, height: 4.4 },
  paper: WHITE,
  draw(canvas, theta) {
    canvas.line([0, 0], swung([0, 0], 1, -theta), 0.2, rgb(204, 77, 77));
    canvas.disc([0, 0], 0.05, BLACK);
  },
};

/** x in m and θ, 0 upright and positive to the right. */
export const CART_POLE: Drawing<{ readonly x: number; readonly theta: number }> = {
  size: { width: 600, height: 400 },
  window: { center: [0, 0.8], width: 4.8, height: 3.2 },
  paper: WHITE,
  draw(canvas, { x, theta }) {
    const { left, right } = canvas.edges;
    const axle: Point = [x, 0.06];
    canvas.line([left, 0], [right, 0], 0.01, BLACK);
    canvas.rectangle([x - 0.2, -0.12], [x + 0.2, 0.12], rgb(30, 30, 36));
    canvas.line(axle, swung(axle, 1, theta), 0.08, rgb(202, 152, 101));
    canvas.disc(axle, 0.04, rgb(129, 132, 203));
  },
};

/** θ₁, 0 hanging, and θ₂ relative to it. */
export const ACROBOT: Drawing<{ readonly theta1: number; readonly theta2: number }> = {
  size: { width: 500, height: 500 },
  window: { center: [0, 0], width: 4.4, height: 4.4 },
  paper: WHITE,
  draw(canvas, { theta1, theta2 }) {
    const { left, right } = canvas.edges;
    const middle = swung([0, 0], 1, Math.PI - theta1);
    const tip = swung(middle, 1, Math.PI - theta1 - theta2);
    canvas.line([left, 1], [right, 1], 0.01, BLACK);
    canvas.line([0, 0], middle, 0.2, rgb(0, 204, 204));
    canvas.line(middle, tip, 0.2, rgb(0, 204, 204));
    for (const joint of [[0, 0], middle] as const) canvas.disc(joint, 0.1, rgb(204, 204, 0));
  },
};

const hill = (x: number) => 0.45 * Math.sin(3 * x) + 0.55;
const HILL_STEPS = 120;

/** x of the car; the flag stands at `goal`. */
export function mountainCarDrawing(goal: number): Drawing<number> {
  return {
    size: { width: 600, height: 400 },
    window: { center: [-0.3, 0.6], width: 1.8, height: 1.2 },
    paper: WHITE,
    draw(canvas, position) {
      drawHill(canvas);
      const foot = hill(goal);
      canvas.line([goal, foot], [goal, foot + 0.15], 0.006, BLACK);
      canvas.polygon(
        [
          [goal, foot + 0.12],
          [goal + 0.075, foot + 0.135],
          [goal, foot + 0.15],
        ],
        rgb(204, 204, 0),
      );
      drawCar(canvas, position);
    },
  };
}

function drawHill(canvas: Canvas): void {
  const { left, right, bottom } = canvas.edges;
  const ridge = Array.from({ length: HILL_STEPS + 1 }, (_, i): Point => {
    const x = left + ((right - left) * i) / HILL_STEPS;
    return [x, hill(x)];
  });
  for (let i = 0; i < HILL_STEPS; i++) {
    const [from, to] = [ridge[i], ridge[i + 1]] as [Point, Point];
    // Neighbours overlap, lest the paper shines through between them.
    canvas.polygon(
      [
        [from[0] - 0.003, bottom],
        [to[0] + 0.003, bottom],
        [to[0] + 0.003, to[1]],
        [from[0] - 0.003, from[1]],
      ],
      EARTH,
    );
  }
  canvas.path(ridge, 0.006, BLACK);
}

function drawCar(canvas: Canvas, position: number): void {
  const slope = Math.atan(1.35 * Math.cos(3 * position));
  const [cos, sin] = [Math.cos(slope), Math.sin(slope)];
  /** `along` the hill and `above` it, in m from where the car stands. */
  const at = (along: number, above: number): Point => [
    position + along * cos - above * sin,
    hill(position) + along * sin + above * cos,
  ];
  canvas.polygon([at(-0.06, 0.03), at(0.06, 0.03), at(0.06, 0.09), at(-0.06, 0.09)], rgb(30, 30, 36));
  for (const wheel of [-0.03, 0.03]) canvas.disc(at(wheel, 0.03), 0.024, rgb(127, 127, 127));
}
