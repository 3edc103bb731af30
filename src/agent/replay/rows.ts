// A table of float32 rows in chunks. It takes memory as it fills: a capacity of a million costs nothing before it is used.
// A chunk is also what a checkpoint writes anew or leaves as it is: its version moves with every write to it.
import { type Tensors, take } from '../../math/tensor.ts';
import type { Segment } from '../algorithm.ts';

export class Rows {
  readonly width: number;
  /** Rows that a chunk holds; the last one holds what is left. */
  readonly #chunkRows: number;
  readonly #capacity: number;
  readonly #chunks: Float32Array[] = [];
  readonly #versions: number[] = [];

  constructor(width: number, capacity: number, chunkRows: number) {
    this.width = width;
    this.#capacity = capacity;
    this.#chunkRows = Math.min(chunkRows, capacity);
  }

  /** The array that holds row `index`, to be read: it has been written. */
  chunkOf(index: number): Float32Array {
    return this.#chunks[Math.floor(index / this.#chunkRows)] as Float32Array;
  }

  /** Where row `index` begins in its chunk. */
  startOf(index: number): number {
    return (index % this.#chunkRows) * this.width;
  }

  /** A view of row `index`, to be read: it has been written. */
  row(index: number): Float32Array {
    const start = this.startOf(index);
    return this.chunkOf(index).subarray(start, start + this.width);
  }

  /** A view of row `index` for writing to it now: its chunk comes into being here if need be, and its version moves. */
  change(index: number): Float32Array {
    const chunk = Math.floor(index / this.#chunkRows);
    this.#grow(chunk + 1);
    this.#versions[chunk] = (this.#versions[chunk] as number) + 1;
    return this.row(index);
  }

  /** The first `count` rows as views, a segment a chunk: `prefix/0`, `prefix/1`, … */
  segments(prefix: string, count: number): Segment[] {
    return Array.from({ length: Math.ceil(count / this.#chunkRows) }, (_, chunk) => {
      const rows = Math.min(this.#chunkRows, count - chunk * this.#chunkRows);
      const data = (this.#chunks[chunk] as Float32Array).subarray(0, rows * this.width);
      const tensor = { shape: [rows, this.width], data };
      return { name: `${prefix}/${chunk}`, tensor, version: this.#versions[chunk] as number };
    });
  }

  /** Whether `state` holds `count` rows as `segments` gives them, if not in chunks of the same size. */
  fits(prefix: string, state: Tensors, count: number): boolean {
    let found = 0;
    for (let chunk = 0; found < count; chunk += 1) {
      const [rows = 0, width] = state[`${prefix}/${chunk}`]?.shape ?? [];
      if (rows === 0 || width !== this.width) return false;
      found += rows;
    }
    return found === count;
  }

  /** Takes over `count` rows that fit. */
  restore(prefix: string, state: Tensors, count: number): void {
    let index = 0;
    for (let segment = 0; index < count; segment += 1) {
      const { data } = take(state, `${prefix}/${segment}`, Float32Array);
      // Up to the end of a chunk at a time.
      for (let from = 0; from < data.length; ) {
        const chunk = Math.floor(index / this.#chunkRows);
        const rows = Math.min((data.length - from) / this.width, (chunk + 1) * this.#chunkRows - index);
        const to = from + rows * this.width;
        this.change(index);
        (this.#chunks[chunk] as Float32Array).set(data.subarray(from, to), this.startOf(index));
        index += rows;
        from = to;
      }
    }
  }

  #grow(chunks: number): void {
    while (this.#chunks.length < chunks) {
      const rows = Math.min(this.#chunkRows, this.#capacity - this.#chunks.length * this.#chunkRows);
      this.#chunks.push(new Float32Array(rows * this.width));
      this.#versions.push(0);
    }
  }
}
