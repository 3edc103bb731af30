// A table of float32 rows that takes memory as it fills: a capacity of a million costs nothing before it is used.

/** Rows in a chunk: 16,384 rows of 26 numbers are 1.7 MB. */
const CHUNK_ROWS = 16_384;

export class Rows {
  readonly width: number;
  readonly #chunks: Float32Array[] = [];
  /** Rows a chunk holds; a small table has one chunk of its size. */
  readonly #chunkRows: number;

  constructor(width: number, capacity: number) {
    this.width = width;
    this.#chunkRows = Math.min(CHUNK_ROWS, capacity);
  }

  /** The array that holds row `index`, which comes into being here (zeros) if need be. */
  chunkOf(index: number): Float32Array {
    const chunk = Math.floor(index / this.#chunkRows);
    while (this.#chunks.length <= chunk) this.#chunks.push(new Float32Array(this.#chunkRows * this.width));
    return this.#chunks[chunk] as Float32Array;
  }

  /** Where row `index` begins in its chunk. */
  startOf(index: number): number {
    return (index % this.#chunkRows) * this.width;
  }

  /** Whether row `index` has memory yet. */
  holds(index: number): boolean {
    return index < this.#chunks.length * this.#chunkRows;
  }

  /** A view of row `index`. */
  row(index: number): Float32Array {
    const start = this.startOf(index);
    return this.chunkOf(index).subarray(start, start + this.width);
  }

  /** The first `count` rows, copied end to end. */
  copy(count: number): Float32Array {
    const all = new Float32Array(count * this.width);
    for (let index = 0; index < count; index += this.#chunkRows) {
      const rows = Math.min(this.#chunkRows, count - index);
      all.set(this.chunkOf(index).subarray(0, rows * this.width), index * this.width);
    }
    return all;
  }

  /** Writes rows from the first on. */
  fill(values: Float32Array): void {
    const count = values.length / this.width;
    for (let index = 0; index < count; index += this.#chunkRows) {
      const rows = Math.min(this.#chunkRows, count - index);
      this.chunkOf(index).set(values.subarray(index * this.width, (index + rows) * this.width));
    }
  }
}
