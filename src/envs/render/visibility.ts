// Which geom each sample of a picture sees, and how far away: a depth buffer over rays. Each geom looks only at the samples
// that its hull can cover. The one inner loop of a picture.
import { type Lens, project } from './lens.ts';
import type { Geom } from './scene.ts';
import { SHAPES } from './shapes.ts';
import { add, axis, dot, type Vector } from './vectors.ts';

export interface Visible {
  /** In samples. */
  readonly width: number;
  readonly height: number;
  /** Depth along the lens's forward axis [height, width]; Infinity where there is nothing. */
  readonly depth: Float32Array;
  /** Index of the geom [height, width]; −1 where there is nothing. */
  readonly geom: Int16Array;
}

/** Samples from `left` to before `right`, and `top` to before `bottom`. */
interface Rectangle {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A geom, and the lens in its frame: through (a, b) goes the ray origin + t · (forward + a · across + b · along). */
interface Sight {
  readonly geom: Geom;
  readonly rectangle: Rectangle;
  readonly origin: Vector;
  readonly forward: Vector;
  /** halfWidth · right and halfHeight · up. */
  readonly across: Vector;
  readonly along: Vector;
}

/**
 * Sees a picture band by band of `rows` rows, from the top: a band's buffers stay in the processor's cache, where those
 * of the whole picture take twice the time.
 */
export class Looking {
  readonly #width: number;
  readonly #height: number;
  readonly #parallel: boolean;
  readonly #sights: readonly Sight[];
  readonly #band: Visible;

  constructor(geoms: readonly Geom[], lens: Lens, width: number, height: number, rows: number) {
    this.#width = width;
    this.#height = height;
    this.#parallel = lens.parallel;
    this.#sights = geoms.map((geom) => sightOf(geom, lens, rectangleOf(geom, lens, width, height)));
    const size = width * rows;
    this.#band = { width, height: rows, depth: new Float32Array(size), geom: new Int16Array(size) };
  }

  /** What the rows from `top` on see. The band is valid until the next call. */
  band(top: number): Visible {
    this.#band.depth.fill(Infinity);
    this.#band.geom.fill(-1);
    const bottom = top + this.#band.height;
    for (const [index, sight] of this.#sights.entries()) {
      const { rectangle } = sight;
      const part = { ...rectangle, top: Math.max(top, rectangle.top), bottom: Math.min(bottom, rectangle.bottom) };
      if (sight.geom.shape === 'plane' && !this.#parallel) this.#drawPlane(sight, index, top, part);
      else this.#draw(sight, index, top, part);
    }
    return this.#band;
  }

  #draw(
    { geom: { shape, size }, origin, forward, across, along }: Sight,
    index: number,
    start: number,
    part: Rectangle,
  ) {
    const { hit } = SHAPES[shape];
    const { depth, geom } = this.#band;
    const [moves, turns] = this.#parallel ? [1, 0] : [0, 1];
    for (let row = part.top; row < part.bottom; row++) {
      const b = 1 - (2 * row + 1) / this.#height;
      for (let column = part.left; column < part.right; column++) {
        const a = (2 * column + 1) / this.#width - 1;
        const x = a * across[0] + b * along[0];
        const y = a * across[1] + b * along[1];
        const z = a * across[2] + b * along[2];
        const t = hit(
          origin[0] + moves * x,
          origin[1] + moves * y,
          origin[2] + moves * z,
          forward[0] + turns * x,
          forward[1] + turns * y,
          forward[2] + turns * z,
          size[0],
          size[1],
          size[2],
        );
        const at = (row - start) * this.#width + column;
        if (t < (depth[at] as number)) {
          depth[at] = t;
          geom[at] = index;
        }
      }
    }
  }

  /** The same for a plane, which most samples see: a tenth of the arithmetic. */
  #drawPlane({ geom: { size }, origin, forward, across, along }: Sight, index: number, start: number, part: Rectangle) {
    const { depth, geom } = this.#band;
    const [endX, endY] = [size[0] > 0 ? size[0] : Infinity, size[1] > 0 ? size[1] : Infinity];
    if (origin[2] <= 0) return;
    for (let row = part.top; row < part.bottom; row++) {
      const b = 1 - (2 * row + 1) / this.#height;
      const x0 = forward[0] + b * along[0];
      const y0 = forward[1] + b * along[1];
      const z0 = forward[2] + b * along[2];
      for (let column = part.left; column < part.right; column++) {
        const a = (2 * column + 1) / this.#width - 1;
        const fall = z0 + a * across[2];
        if (fall >= 0) continue;
        const t = -origin[2] / fall;
        const at = (row - start) * this.#width + column;
        if (!(t < (depth[at] as number))) continue;
        if (Math.abs(origin[0] + t * (x0 + a * across[0])) > endX) continue;
        if (Math.abs(origin[1] + t * (y0 + a * across[1])) > endY) continue;
        depth[at] = t;
        geom[at] = index;
      }
    }
  }
}

function sightOf(geom: Geom, lens: Lens, rectangle: Rectangle): Sight {
  const local = (v: Vector, by = 1): Vector => [
    by * dot(v, axis(geom.rotation, 0)),
    by * dot(v, axis(geom.rotation, 1)),
    by * dot(v, axis(geom.rotation, 2)),
  ];
  return {
    geom,
    rectangle,
    origin: local(add(lens.position, geom.position, -1)),
    forward: local(lens.forward),
    across: local(lens.right, lens.halfWidth),
    along: local(lens.up, lens.halfHeight),
  };
}

/** The samples that may see `geom`: all, where it has no bounds or reaches behind the eye. */
function rectangleOf(geom: Geom, lens: Lens, width: number, height: number): Rectangle {
  const all = { left: 0, right: width, top: 0, bottom: height };
  const hull = SHAPES[geom.shape].hull?.(geom.size);
  if (!hull) return all;
  let [west, east, south, north] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const z of hull.centers) {
    const center = add(geom.position, axis(geom.rotation, 2), z);
    const { a, b, depth } = project(lens, center);
    if (!lens.parallel && depth <= hull.radius) return all;
    const [w, e] = spanOf(a * lens.halfWidth, depth, hull.radius, lens.parallel);
    const [s, n] = spanOf(b * lens.halfHeight, depth, hull.radius, lens.parallel);
    [west, east, south, north] = [Math.min(west, w), Math.max(east, e), Math.min(south, s), Math.max(north, n)];
  }
  const column = (a: number) => ((a / lens.halfWidth + 1) / 2) * width;
  const row = (b: number) => ((1 - b / lens.halfHeight) / 2) * height;
  const inside = (x: number, end: number) => Math.min(Math.max(x, 0), end);
  return {
    left: inside(Math.floor(column(west)), width),
    right: inside(Math.ceil(column(east)), width),
    top: inside(Math.floor(row(north)), height),
    bottom: inside(Math.ceil(row(south)), height),
  };
}

/** Between which ordinates a ball is seen whose centre is seen at `middle`: the tangents from the eye, in one plane. */
function spanOf(middle: number, depth: number, radius: number, parallel: boolean): readonly [number, number] {
  if (parallel) return [middle - radius, middle + radius];
  const [x, square] = [middle * depth, depth * depth - radius * radius];
  const root = radius * Math.sqrt(x * x + square);
  return [(x * depth - root) / square, (x * depth + root) / square];
}
