// Flat drawings with smooth edges: every shape is a signed distance in pixels, and covers a pixel by as much as it reaches in.
import type { Color, Image } from './image.ts';

export type Point = readonly [x: number, y: number];

/** The part of the plane that a drawing shows, y upwards. What is left of the picture shows more of the plane. */
export interface Window {
  readonly center: Point;
  readonly width: number;
  readonly height: number;
}

export class Canvas {
  readonly #width: number;
  readonly #height: number;
  readonly #data: Uint8Array;
  readonly #center: Point;
  /** Pixels per unit of the plane. */
  readonly #scale: number;

  constructor({ width, height }: { readonly width: number; readonly height: number }, window: Window, paper: Color) {
    this.#width = width;
    this.#height = height;
    this.#center = window.center;
    this.#scale = Math.min(width / window.width, height / window.height);
    this.#data = new Uint8Array(3 * width * height);
    for (let i = 0; i < this.#data.length; i++) this.#data[i] = byteOf(paper[i % 3] as number);
  }

  get image(): Image {
    return { width: this.#width, height: this.#height, data: this.#data.slice() };
  }

  /** The picture's own edges in the plane. */
  get edges(): { readonly left: number; readonly right: number; readonly bottom: number; readonly top: number } {
    const [x, y] = this.#center;
    const [w, h] = [this.#width / this.#scale / 2, this.#height / this.#scale / 2];
    return { left: x - w, right: x + w, bottom: y - h, top: y + h };
  }

  disc([x, y]: Point, radius: number, color: Color): void {
    this.#fill([[x, y]], radius, color, (px, py) => Math.sqrt((px - x) ** 2 + (py - y) ** 2) - radius);
  }

  /** A line with round ends. */
  line(from: Point, to: Point, width: number, color: Color): void {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const square = dx * dx + dy * dy;
    this.#fill([from, to], width / 2, color, (px, py) => {
      const [x, y] = [px - from[0], py - from[1]];
      const along = square === 0 ? 0 : Math.min(Math.max((x * dx + y * dy) / square, 0), 1);
      return Math.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2) - width / 2;
    });
  }

  path(points: readonly Point[], width: number, color: Color): void {
    for (let i = 1; i < points.length; i++) this.line(points[i - 1] as Point, points[i] as Point, width, color);
  }

  /** A convex polygon, its corners counter-clockwise. */
  polygon(corners: readonly Point[], color: Color): void {
    const edges = corners.map(([x, y], i) => {
      const [nextX, nextY] = corners[(i + 1) % corners.length] as Point;
      const [dx, dy] = [nextX - x, nextY - y];
      const length = Math.sqrt(dx * dx + dy * dy);
      return { x, y, nx: dy / length, ny: -dx / length };
    });
    this.#fill(corners, 0, color, (px, py) =>
      edges.reduce((most, { x, y, nx, ny }) => Math.max(most, (px - x) * nx + (py - y) * ny), -Infinity),
    );
  }

  rectangle([left, bottom]: Point, [right, top]: Point, color: Color): void {
    this.polygon(
      [
        [left, bottom],
        [right, bottom],
        [right, top],
        [left, top],
      ],
      color,
    );
  }

  /** `distance` is negative inside, in units of the plane; `corners` and `margin` around them hold the shape. */
  #fill(corners: readonly Point[], margin: number, color: Color, distance: (x: number, y: number) => number): void {
    const [cx, cy] = this.#center;
    const column = (x: number) => this.#width / 2 + (x - cx) * this.#scale;
    const row = (y: number) => this.#height / 2 - (y - cy) * this.#scale;
    const [columns, rows] = [corners.map(([x]) => column(x)), corners.map(([, y]) => row(y))];
    const around = margin * this.#scale + 1;
    const left = Math.max(0, Math.floor(Math.min(...columns) - around));
    const right = Math.min(this.#width, Math.ceil(Math.max(...columns) + around));
    const top = Math.max(0, Math.floor(Math.min(...rows) - around));
    const bottom = Math.min(this.#height, Math.ceil(Math.max(...rows) + around));
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const planeX = cx + (x + 0.5 - this.#width / 2) / this.#scale;
        const planeY = cy - (y + 0.5 - this.#height / 2) / this.#scale;
        const cover = Math.min(Math.max(0.5 - distance(planeX, planeY) * this.#scale, 0), 1);
        if (!(cover > 0)) continue;
        for (let i = 0; i < 3; i++) {
          const at = 3 * (y * this.#width + x) + i;
          this.#data[at] = Math.round((1 - cover) * (this.#data[at] as number) + cover * byteOf(color[i] as number));
        }
      }
    }
  }
}

function byteOf(value: number): number {
  return Math.round(255 * Math.min(Math.max(value, 0), 1));
}
