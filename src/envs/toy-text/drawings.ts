// Toy text as tiles. A cell is one unit wide; row 0 is at the top.
import type { Canvas, Point } from '../render/canvas.ts';
import { type Drawing, rgb } from '../render/drawing.ts';
import type { Color } from '../render/image.ts';
import type { Grid } from './grid.ts';

const BLACK = rgb(40, 40, 48);
const WHITE = rgb(250, 250, 250);
const SKIN = rgb(240, 200, 160);

type Tiles<State> = Pick<Drawing<State>, 'size' | 'window' | 'paper'>;

/** A picture of `grid` with cells of `side` pixels, at most `most` in all. */
function tiles<State>({ rows, columns }: Grid, side: number, most: number): Tiles<State> {
  const pixels = Math.max(1, Math.min(side, Math.floor(most / Math.max(rows, columns))));
  return {
    size: { width: Math.max(16, pixels * columns), height: Math.max(16, pixels * rows) },
    window: { center: [columns / 2, rows / 2], width: columns, height: rows },
    paper: BLACK,
  };
}

/** Draws in cells: what is at (x, y) of `cell`, each in [0, 1] from its lower left corner. */
class Board {
  readonly canvas: Canvas;
  readonly #grid: Grid;

  constructor(canvas: Canvas, grid: Grid) {
    this.canvas = canvas;
    this.#grid = grid;
  }

  at(cell: number, x: number, y: number): Point {
    const { rows, columns } = this.#grid;
    return [(cell % columns) + x, rows - 1 - Math.floor(cell / columns) + y];
  }

  box(cell: number, [left, bottom]: Point, [right, top]: Point, color: Color): void {
    this.canvas.rectangle(this.at(cell, left, bottom), this.at(cell, right, top), color);
  }

  tile(cell: number, color: Color, seam: Color): void {
    this.box(cell, [0, 0], [1, 1], seam);
    this.box(cell, [0.02, 0.02], [0.98, 0.98], color);
  }

  disc(cell: number, x: number, y: number, radius: number, color: Color): void {
    this.canvas.disc(this.at(cell, x, y), radius, color);
  }

  shape(cell: number, corners: readonly Point[], color: Color): void {
    this.canvas.polygon(
      corners.map(([x, y]) => this.at(cell, x, y)),
      color,
    );
  }

  /** A little person in a coat. */
  figure(cell: number, coat: Color): void {
    this.shape(
      cell,
      [
        [0.3, 0.14],
        [0.7, 0.14],
        [0.56, 0.6],
        [0.44, 0.6],
      ],
      coat,
    );
    this.disc(cell, 0.5, 0.68, 0.15, SKIN);
    this.shape(
      cell,
      [
        [0.34, 0.74],
        [0.66, 0.74],
        [0.5, 0.95],
      ],
      coat,
    );
  }

  flag(cell: number, color: Color): void {
    this.box(cell, [0.3, 0.12], [0.36, 0.88], BLACK);
    this.shape(
      cell,
      [
        [0.36, 0.5],
        [0.8, 0.69],
        [0.36, 0.88],
      ],
      color,
    );
  }
}

/** The cell of the walker on a map of S, F, H and G. */
export function frozenLakeDrawing(grid: Grid, letters: string): Drawing<number> {
  return {
    ...tiles(grid, 64, 512),
    draw(canvas, state) {
      const board = new Board(canvas, grid);
      for (const [cell, letter] of [...letters].entries()) {
        board.tile(cell, letter === 'S' ? rgb(200, 226, 205) : rgb(214, 236, 248), rgb(180, 205, 222));
        if (letter === 'H') {
          board.disc(cell, 0.5, 0.5, 0.4, rgb(150, 190, 215));
          board.disc(cell, 0.5, 0.5, 0.34, rgb(28, 62, 104));
        }
        if (letter === 'G') board.flag(cell, rgb(214, 60, 60));
      }
      board.figure(state, letters[state] === 'H' ? rgb(120, 120, 140) : rgb(40, 140, 80));
    },
  };
}

/** The cell of the walker on the cliff from `start` to `goal`. */
export function cliffWalkingDrawing(grid: Grid, start: number, goal: number): Drawing<number> {
  return {
    ...tiles(grid, 60, 720),
    draw(canvas, state) {
      const board = new Board(canvas, grid);
      for (let cell = 0; cell < grid.size; cell++) {
        const isCliff = cell > start && cell < goal;
        const meadow = (cell + Math.floor(cell / grid.columns)) % 2 === 0 ? rgb(140, 186, 110) : rgb(130, 176, 102);
        board.tile(cell, isCliff ? rgb(70, 52, 44) : meadow, isCliff ? rgb(70, 52, 44) : rgb(118, 160, 92));
        if (!isCliff) continue;
        board.box(cell, [0, 0.86], [1, 1], rgb(168, 130, 92));
        for (const x of [0.1, 0.4, 0.7]) {
          board.shape(
            cell,
            [
              [x, 0.86],
              [x + 0.1, 0.4],
              [x + 0.2, 0.86],
            ],
            rgb(110, 82, 62),
          );
        }
      }
      board.flag(goal, rgb(214, 60, 60));
      board.figure(state, rgb(60, 90, 170));
    },
  };
}

const STAND_COLORS = [rgb(214, 60, 60), rgb(60, 170, 80), rgb(222, 196, 50), rgb(60, 100, 210)];

export interface TaxiPicture {
  readonly cell: number;
  /** The stand where the passenger waits; one past the last on board. */
  readonly passenger: number;
  readonly destination: number;
}

/** `walls` are the cells with a wall to their east, `stands` those of the stands. */
export function taxiDrawing(
  grid: Grid,
  { stands, walls }: { readonly stands: readonly number[]; readonly walls: ReadonlySet<number> },
): Drawing<TaxiPicture> {
  return {
    ...tiles(grid, 100, 500),
    draw(canvas, { cell, passenger, destination }) {
      const board = new Board(canvas, grid);
      for (let street = 0; street < grid.size; street++) board.tile(street, rgb(196, 196, 192), rgb(176, 176, 172));
      for (const [stand, place] of stands.entries()) {
        board.box(place, [0.06, 0.06], [0.94, 0.94], STAND_COLORS[stand] as Color);
        board.box(place, [0.12, 0.12], [0.88, 0.88], rgb(226, 226, 222));
      }
      for (const place of walls) board.box(place, [0.95, 0], [1.05, 1], BLACK);
      const goal = stands[destination] as number;
      board.flag(goal, STAND_COLORS[destination] as Color);
      const waiting = stands[passenger];
      drawTaxi(board, cell, waiting === undefined);
      if (waiting !== undefined) board.figure(waiting, rgb(120, 60, 150));
    },
  };
}

function drawTaxi(board: Board, cell: number, taken: boolean): void {
  for (const x of [0.28, 0.72]) board.disc(cell, x, 0.22, 0.1, BLACK);
  board.box(cell, [0.1, 0.22], [0.9, 0.48], rgb(245, 190, 30));
  board.shape(
    cell,
    [
      [0.24, 0.48],
      [0.76, 0.48],
      [0.66, 0.7],
      [0.34, 0.7],
    ],
    rgb(245, 190, 30),
  );
  board.shape(
    cell,
    [
      [0.31, 0.48],
      [0.69, 0.48],
      [0.62, 0.65],
      [0.38, 0.65],
    ],
    taken ? rgb(120, 60, 150) : WHITE,
  );
  board.box(cell, [0.42, 0.7], [0.58, 0.78], taken ? rgb(80, 80, 80) : rgb(60, 170, 80));
}
