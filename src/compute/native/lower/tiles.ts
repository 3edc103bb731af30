// Matrix products as C: the result is cut into tiles that fit the registers, each a call of a function generated for its size, its
// strides and the element-wise work that follows. Products that differ only in where their operands lie share the functions.
import { bodyLines, bodyViews, isHeavyBody } from './body.ts';
import { BLOCK } from './schedule.ts';
import type { Step } from './steps.ts';
import { type View, viewKey } from './views.ts';

/** What the C is made for. */
export interface Target {
  /** Floats in a vector. */
  readonly width: number;
  /** Vector registers. */
  readonly registers: number;
}

type Product = Extract<Step, { kind: 'product' }>;

/** A column of tiles: its first column, vectors across, and how many numbers the last vector has where it is not full (else 0). */
interface Column {
  readonly start: number;
  readonly vectors: number;
  readonly tail: number;
}

export class Tiles {
  readonly #target: Target;
  readonly #address: (view: View) => string;
  /** Names by text. */
  readonly #functions = new Map<string, string>();

  constructor(target: Target, address: (view: View) => string) {
    this.#target = target;
    this.#address = address;
  }

  functions(): string[] {
    return [...this.#functions].map(([text, name]) => `FUNCTION void ${name}${text}`);
  }

  /** One product: column by column of tiles, each down the rows that this thread does (`byRows`), or columns shared out. */
  product(step: Product, byRows: boolean): string[] {
    const views = distinct(bodyViews(step.body));
    const pointers = views.map((view) => this.#address(view));
    const columns = this.#columns(step);
    const lines = [
      `const float *const a = ${this.#address(step.a)}, *const b = ${this.#address(step.b)};`,
      `float *const operands[] = {${pointers.join(', ') || '0'}};`,
    ];
    if (byRows) return [...lines, ...columns.flatMap((column) => this.#down(step, column, views))];
    lines.push(
      `const int tile_first = ${columns.length} * thread / threads, tile_last = ${columns.length} * (thread + 1) / threads;`,
    );
    for (const [index, column] of columns.entries())
      lines.push(`if (tile_first <= ${index} && ${index} < tile_last) {`, ...this.#all(step, column, views), '}');
    return lines;
  }

  /** Columns of tiles: first column, vectors across. As equal as can be: a last tile of one vector would be the slowest. */
  #columns({ shape }: Product): Column[] {
    const { width } = this.#target;
    const [rows, columns] = shape as readonly [number, number];
    const vectors = Math.ceil(columns / width);
    // A single row needs as many sums in flight as eight rows have; more rows than three vectors share a load of b.
    const most = rows === 1 ? 8 : rows < 4 ? 4 : 3;
    const count = Math.ceil(vectors / most);
    return Array.from({ length: count }, (_, index) => {
      const [from, to] = [Math.floor((vectors * index) / count), Math.floor((vectors * (index + 1)) / count)];
      const tail = to * width > columns ? columns % width : 0;
      return { start: from * width, vectors: to - from, tail };
    });
  }

  /** Rows of a tile: sums, one row of b and one element of a fill the registers. */
  #rows(vectors: number): number {
    const free = this.#target.registers - vectors - 1;
    const rows = Math.floor(free / vectors);
    return [16, 8, 4, 2, 1].find((size) => size <= rows) as number;
  }

  #down(step: Product, column: Column, views: readonly View[]): string[] {
    const rows = step.shape[0] as number;
    const height = this.#rows(column.vectors);
    const blocks = Array.from({ length: BLOCK / height }, (_, index) =>
      this.#call(step, column, height, `r + ${index * height}`, views),
    );
    const rest = rows % BLOCK;
    const lines = [`{ long r = first; for (; r + ${BLOCK} <= last; r += ${BLOCK}) {`, ...blocks, '}'];
    if (rest > 0) lines.push('if (r < last) {', ...this.#pieces(step, column, height, rest, 'r', views), '}');
    return [...lines, '}'];
  }

  #all(step: Product, column: Column, views: readonly View[]): string[] {
    const rows = step.shape[0] as number;
    return this.#pieces(step, column, this.#rows(column.vectors), rows, '0', views);
  }

  /** `count` rows from row `start` on, in tiles of at most `height`. */
  #pieces(
    step: Product,
    column: Column,
    height: number,
    count: number,
    start: string,
    views: readonly View[],
  ): string[] {
    const whole = Math.floor(count / height);
    const lines: string[] = [];
    if (whole > 0)
      lines.push(
        `for (long q = 0; q < ${whole * height}; q += ${height}) {`,
        this.#call(step, column, height, `${start} + q`, views),
        '}',
      );
    if (count % height > 0) lines.push(this.#call(step, column, count % height, `${start} + ${whole * height}`, views));
    return lines;
  }

  #call(step: Product, column: Column, rows: number, row: string, views: readonly View[]): string {
    const name = this.#tile(step, column, rows, views);
    const [down] = step.a.strides as readonly [number, number];
    return `${name}(a + (${row}) * ${down}L, b + ${column.start}, operands, ${row}, ${column.start});`;
  }

  #tile({ a, b, inner, body }: Product, { vectors, tail }: Column, rows: number, views: readonly View[]): string {
    const access = {
      pointer: (view: View) => {
        const [down, along] = view.strides as readonly [number, number];
        const terms = [`operands[${views.findIndex((other) => viewKey(other) === viewKey(view))}]`];
        if (down !== 0) terms.push(`(row + i) * ${down}L`);
        if (along !== 0) terms.push(`(column + j * WIDTH) * ${along}L`);
        return terms.join(' + ');
      },
      stride: (view: View) => view.strides[1] as number,
      anchor: 'sums[i][j]',
    };
    const unroll = isHeavyBody(body) ? '_Pragma("GCC unroll 1")' : 'UNROLL';
    const full = tail === 0 ? vectors : vectors - 1;
    const lines = [
      '(const float *a, const float *b, float *const *operands, const long row, const long column) {',
      `  TILE(${rows}, ${vectors}, ${tail}, ${inner}, ${a.strides[0]}L, ${a.strides[1]}L, ${b.strides[0]}L)`,
      `  ${unroll} for (int i = 0; i < ${rows}; i += 1) {`,
    ];
    if (full > 0)
      lines.push(
        `    ${unroll} for (int j = 0; j < ${full}; j += 1) {`,
        ...bodyLines(body, access, undefined),
        '    }',
      );
    if (tail > 0) lines.push(`    { const int j = ${vectors - 1};`, ...bodyLines(body, access, `${tail}`), '    }');
    const text = [...lines, '  }', '  (void)row, (void)column, (void)operands;', '}', ''].join('\n');
    const known = this.#functions.get(text) ?? `tile_${this.#functions.size}_${rows}x${vectors}`;
    this.#functions.set(text, known);
    return known;
  }
}

const distinct = (views: readonly View[]): View[] => [...new Map(views.map((view) => [viewKey(view), view])).values()];
