// Replay in a ring, with one copy of each observation: the next observation of transition i is the observation of i + 1. Where
// it is not (the episode ended, or another one came in between) it lies in a side table, so a time limit can be bootstrapped
// through. That of the newest transition waits in `#pending`, since its successor is not there yet. All is float32.
import { DomainError } from '../../errors.ts';
import type { Pcg64 } from '../../math/pcg64.ts';
import { type Tensors, take, vector } from '../../math/tensor.ts';
import type { Transition } from '../algorithm.ts';
import { Rows } from './rows.ts';

/** Arrays that `sample` fills, row by row; `reward` and `terminated` have one number a row. */
export interface Batch {
  readonly observation: Float32Array;
  readonly action: Float32Array;
  readonly reward: Float32Array;
  readonly nextObservation: Float32Array;
  readonly terminated: Float32Array;
}

export class ReplayBuffer {
  readonly capacity: number;
  readonly #observation: number;
  readonly #action: number;
  /** A row: observation, action, reward, terminated, then 1 + the row of the side table that holds its next observation, or 0. */
  readonly #rows: Rows;
  /** The side table: next observations that no row holds. */
  readonly #finals: Rows;
  /** Rows of the side table that were used and are free again. */
  readonly #free: number[] = [];
  #finalsUsed = 0;
  #size = 0;
  /** Where the next transition goes. */
  #cursor = 0;
  readonly #pending: Float32Array;
  #pendingEnded = false;
  /** The incoming observation in float32, as it would be stored. */
  readonly #incoming: Float32Array;

  constructor(capacity: number, observationSize: number, actionSize: number) {
    this.capacity = capacity;
    this.#observation = observationSize;
    this.#action = actionSize;
    this.#rows = new Rows(observationSize + actionSize + 3, capacity);
    this.#finals = new Rows(observationSize, capacity);
    this.#pending = new Float32Array(observationSize);
    this.#incoming = new Float32Array(observationSize);
  }

  /** Transitions held. */
  get size(): number {
    return this.#size;
  }

  /** Takes in a transition; the oldest one goes when the ring is full. */
  add(transition: Transition): void {
    this.#incoming.set(transition.observation);
    if (this.#size > 0 && (this.#pendingEnded || !equal(this.#incoming, this.#pending))) this.#setAside();
    const index = this.#cursor;
    const row = this.#rows.row(index);
    const flags = this.#observation + this.#action;
    // The transition that is overwritten may own a row of the side table.
    const final = row[flags + 2] as number;
    if (final > 0) this.#free.push(final - 1);
    row.set(this.#incoming);
    row.set(transition.action, this.#observation);
    row[flags] = transition.reward;
    row[flags + 1] = transition.terminated ? 1 : 0;
    row[flags + 2] = 0;
    this.#pending.set(transition.nextObservation);
    this.#pendingEnded = transition.terminated || transition.truncated;
    this.#cursor = (index + 1) % this.capacity;
    this.#size = Math.min(this.#size + 1, this.capacity);
  }

  /** Moves the pending observation to the side table: the coming row will not hold it. */
  #setAside(): void {
    // A ring of one is about to overwrite the only transition that could ask for it.
    if (this.capacity === 1) return;
    const final = this.#free.pop() ?? this.#finalsUsed++;
    this.#finals.row(final).set(this.#pending);
    this.#rows.row(this.#newest())[this.#observation + this.#action + 2] = final + 1;
  }

  #newest(): number {
    return (this.#cursor + this.capacity - 1) % this.capacity;
  }

  /** Fills `batch` with transitions drawn uniformly with replacement. The buffer must not be empty. */
  sample(rng: Pcg64, batch: Batch): void {
    for (let place = 0; place < batch.reward.length; place += 1) this.#read(rng.integers(0, this.#size), batch, place);
  }

  // Plain loops: the gather of 256 rows of 17 + 6 numbers takes 42 µs so, and 97 µs with a `subarray` for each row.
  #read(index: number, batch: Batch, place: number): void {
    const [observation, action] = [this.#observation, this.#action];
    const chunk = this.#rows.chunkOf(index);
    const start = this.#rows.startOf(index);
    const flags = start + observation + action;
    copy(chunk, start, batch.observation, place * observation, observation);
    copy(chunk, start + observation, batch.action, place * action, action);
    batch.reward[place] = chunk[flags] as number;
    batch.terminated[place] = chunk[flags + 1] as number;
    const final = chunk[flags + 2] as number;
    const to = place * observation;
    if (final > 0)
      copy(this.#finals.chunkOf(final - 1), this.#finals.startOf(final - 1), batch.nextObservation, to, observation);
    else if (index === this.#newest()) copy(this.#pending, 0, batch.nextObservation, to, observation);
    else {
      const next = (index + 1) % this.capacity;
      copy(this.#rows.chunkOf(next), this.#rows.startOf(next), batch.nextObservation, to, observation);
    }
  }

  /** Everything that later samples depend on. The side table is written in the order of its transitions. */
  getState(): Tensors {
    const width = this.#rows.width;
    const rows = this.#rows.copy(this.#size);
    const owners: number[] = [];
    for (let index = 0; index < this.#size; index += 1)
      if ((rows[(index + 1) * width - 1] as number) > 0) owners.push(index);
    const finals = new Float32Array(owners.length * this.#observation);
    for (const [place, index] of owners.entries()) {
      const at = (index + 1) * width - 1;
      finals.set(this.#finals.row((rows[at] as number) - 1), place * this.#observation);
      rows[at] = place + 1;
    }
    return {
      rows: { shape: [this.#size, width], data: rows },
      finals: { shape: [owners.length, this.#observation], data: finals },
      pending: vector(this.#pending.slice()),
      // Where the next transition goes, how many there are, whether the newest ended its episode.
      cursor: vector(Float64Array.of(this.#cursor, this.#size, Number(this.#pendingEnded))),
    };
  }

  /** Takes over what `getState` of a buffer of the same capacity gave. Throws `checkpoint_incompatible` where it does not fit. */
  setState(state: Tensors): void {
    const rows = take(state, 'rows', Float32Array);
    const finals = take(state, 'finals', Float32Array);
    const pending = take(state, 'pending', Float32Array);
    const [cursor, size, ended] = take(state, 'cursor', Float64Array).data as unknown as readonly [
      number,
      number,
      number,
    ];
    const width = this.#rows.width;
    if (
      rows.shape[1] !== width ||
      pending.data.length !== this.#observation ||
      size > this.capacity ||
      cursor >= this.capacity ||
      rows.data.length !== size * width
    ) {
      throw new DomainError(
        'checkpoint_incompatible',
        `The replay buffer holds ${this.capacity} rows of ${width} numbers; the checkpoint has ${size} rows of ${rows.shape[1]}, cursor ${cursor}.`,
      );
    }
    this.#rows.fill(rows.data);
    this.#finals.fill(finals.data);
    this.#free.length = 0;
    this.#finalsUsed = finals.shape[0] as number;
    this.#pending.set(pending.data);
    this.#pendingEnded = ended === 1;
    this.#cursor = cursor;
    this.#size = size;
    // Rows beyond `size` may be left from before and claim rows of the side table.
    for (let index = size; index < this.capacity && this.#rows.holds(index); index += 1)
      this.#rows.row(index)[width - 1] = 0;
  }
}

function copy(source: Float32Array, from: number, target: Float32Array, to: number, count: number): void {
  for (let index = 0; index < count; index += 1) target[to + index] = source[from + index] as number;
}

/** Bit for bit, but for −0 and 0; NaN is never equal, so it is kept aside. */
function equal(a: Float32Array, b: Float32Array): boolean {
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
