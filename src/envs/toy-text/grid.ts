// Rectangular worlds whose cells are numbered row by row.

/** One step of a walk. */
export type Direction = readonly [rows: number, columns: number];

export class Grid {
  readonly rows: number;
  readonly columns: number;

  constructor(rows: number, columns: number) {
    this.rows = rows;
    this.columns = columns;
  }

  get size(): number {
    return this.rows * this.columns;
  }

  /** The cell one step from `cell`; the edges hold it back. */
  move(cell: number, [rows, columns]: Direction): number {
    const row = Math.floor(cell / this.columns) + rows;
    const column = (cell % this.columns) + columns;
    return clamp(row, this.rows) * this.columns + clamp(column, this.columns);
  }
}

function clamp(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}
