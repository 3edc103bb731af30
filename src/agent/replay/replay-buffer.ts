// Replay in a ring for each environment (a lane), with one copy of each observation: the next observation of a transition is
// the observation of the lane's next one. Where it is not (the episode ended, or another one came in between) it lies in a side
// table, so a time limit can be bootstrapped through. That of the newest transition of a lane is pending, since its successor
// is not there yet. All is float32. The lanes lie interleaved in one table: slot = place in the ring · lanes + lane.
import { DomainError } from '../../errors.ts';
import type { Pcg64 } from '../../math/pcg64.ts';
import { type Tensors, take, vector } from '../../math/tensor.ts';
import type { Experience, Transition } from '../algorithm.ts';
import { Rows } from './rows.ts';

export interface ReplayOptions {
  /** Transitions, of all lanes together: each lane has floor(capacity / lanes), at least 1. */
  readonly capacity: number;
  readonly observationSize: number;
  readonly actionSize: number;
  /** Environments stepped in lockstep, each with a ring of its own. */
  readonly lanes: number;
  /** n of n-step returns, from 1. */
  readonly steps: number;
  /** γ of n-step returns. */
  readonly discount: number;
}

/**
 * Arrays that `sample` fills, row by row. With m ≤ n the steps until the episode ended or the newest transition was reached:
 * `reward` is Σ_{k<m} γᵏ·r_k, `nextObservation` what was observed after m steps, and `bootstrap` γᵐ·(1 − terminated), the
 * weight of its value; `reward` and `bootstrap` have one number a row.
 */
export interface Batch {
  readonly observation: Float32Array;
  readonly action: Float32Array;
  readonly reward: Float32Array;
  readonly nextObservation: Float32Array;
  readonly bootstrap: Float32Array;
}

/** As `Batch`, but for observations and actions, of which these are the slots. */
export interface Picks {
  /** Of the transition that was drawn: its observation and action. */
  readonly first: Float32Array;
  /** Of the one m − 1 steps later: its next observation. */
  readonly last: Float32Array;
  readonly reward: Float32Array;
  readonly bootstrap: Float32Array;
}

/** Sizes of the pieces in which a checkpoint writes the ring: at most a 32nd of it and 2 MiB, at least 64 rows. */
const CHUNKS = { bytes: 2 ** 21, perRing: 32, leastRows: 64, finalRows: 1024 } as const;
/** Up to here float32 holds every integer, and so the number of a row of the side table. */
const MAX_CAPACITY = 2 ** 24;
/** For how many transitions `replayBytes` expects one that ends an episode. */
const STEPS_AN_EPISODE = 50;

/** Numbers in a row beside observation and action: reward and end. */
const EXTRA = 2;

/** Bytes that a buffer takes once it is full, its side table estimated at an episode in 50 steps. */
export function replayBytes(options: ReplayOptions): number {
  const { observationSize, actionSize } = options;
  const rows = slotsOf(options);
  const finals = Math.max(Math.min(rows, CHUNKS.finalRows), Math.ceil(rows / STEPS_AN_EPISODE));
  return Float32Array.BYTES_PER_ELEMENT * (rows * (observationSize + actionSize + EXTRA) + finals * observationSize);
}

/** Bytes that its side table takes at most where each transition needs a row of it: where none follows the one before. */
export function looseBytes(options: ReplayOptions): number {
  return Float32Array.BYTES_PER_ELEMENT * slotsOf(options) * options.observationSize;
}

export class ReplayBuffer {
  readonly #options: ReplayOptions;
  readonly #observation: number;
  /** Where a row has its reward; its end follows. */
  readonly #flags: number;
  readonly #lanes: number;
  /** Transitions that a lane's ring holds. */
  readonly #ring: number;
  /** Slots of all lanes. */
  readonly #total: number;
  readonly #steps: number;
  /** γᵏ for k = 0 … n. */
  readonly #powers: Float64Array;
  /**
   * A row: observation, action, reward, end. End is 0 where the lane's next row goes on from here (or this one is the newest),
   * +k where the episode was cut off and −k where it terminated, its last observation in row k − 1 of the side table.
   */
  readonly #rows: Rows;
  /** The side table: next observations that no row holds. */
  readonly #finals: Rows;
  /** Rows of the side table that were used and are free again. */
  #free: number[] = [];
  #finalsUsed = 0;
  /** By lane: where in its ring the next transition goes, how many there are, the newest one's slot (−1 = none) and how it ended. */
  readonly #cursors: Int32Array;
  readonly #sizes: Int32Array;
  readonly #newest: Int32Array;
  readonly #ended: Uint8Array;
  readonly #terminated: Uint8Array;
  /** [lanes, observation]: what was observed after the newest transitions. */
  readonly #pending: Float32Array;
  /** The incoming observation in float32, as it would be stored. */
  readonly #incoming: Float32Array;
  /** Slots whose transitions changed since `takeChanged`; null = all did. */
  #changed: Set<number> | null = null;

  constructor(options: ReplayOptions, chunkRows = chunkRowsOf(options)) {
    const { capacity, observationSize, actionSize, lanes, steps, discount } = options;
    if (capacity > MAX_CAPACITY)
      throw new RangeError(`A replay buffer of ${capacity} transitions is too large; ${MAX_CAPACITY} is the most.`);
    this.#options = options;
    this.#observation = observationSize;
    this.#flags = observationSize + actionSize;
    this.#lanes = lanes;
    this.#ring = ringSize(options);
    this.#total = slotsOf(options);
    this.#steps = steps;
    this.#powers = new Float64Array(steps + 1).fill(1);
    for (let k = 1; k <= steps; k += 1) this.#powers[k] = (this.#powers[k - 1] as number) * discount;
    this.#rows = new Rows(this.#flags + EXTRA, this.#total, chunkRows);
    this.#finals = new Rows(observationSize, this.#total, Math.min(CHUNKS.finalRows, chunkRows));
    this.#cursors = new Int32Array(lanes);
    this.#sizes = new Int32Array(lanes);
    this.#newest = new Int32Array(lanes).fill(-1);
    this.#ended = new Uint8Array(lanes);
    this.#terminated = new Uint8Array(lanes);
    this.#pending = new Float32Array(lanes * observationSize);
    this.#incoming = new Float32Array(observationSize);
  }

  /** Transitions held, of all lanes together. */
  get size(): number {
    let size = 0;
    for (const own of this.#sizes) size += own;
    return size;
  }

  /** Takes in a transition; the lane's oldest one goes when its ring is full. */
  add(lane: number, transition: Transition): void {
    const cursor = this.#cursors[lane];
    if (cursor === undefined) throw new RangeError(`There is no lane ${lane}; there are ${this.#lanes}.`);
    const slot = cursor * this.#lanes + lane;
    const size = this.#sizes[lane] as number;
    if (size === this.#ring) {
      // The transition that is overwritten may own a row of the side table.
      const end = this.#rows.chunkOf(slot)[this.#rows.startOf(slot) + this.#flags + 1] as number;
      if (end !== 0) this.#free.push(Math.abs(end) - 1);
    }
    this.#incoming.set(transition.observation);
    // A ring of one is about to overwrite the only transition that could ask for what is pending.
    if (size > 0 && this.#ring > 1 && (this.#ended[lane] === 1 || !this.#goesOn(lane))) this.#setAside(lane);
    // The one before has its next observation elsewhere from here on, and a 0 there where it was −0.
    if (size > 0) this.#changed?.add(this.#newest[lane] as number);
    this.#changed?.add(slot);
    const row = this.#rows.change(slot);
    row.set(this.#incoming);
    row.set(transition.action, this.#observation);
    row[this.#flags] = transition.reward;
    row[this.#flags + 1] = 0;
    this.#pending.set(transition.nextObservation, lane * this.#observation);
    this.#ended[lane] = Number(transition.terminated || transition.truncated);
    this.#terminated[lane] = Number(transition.terminated);
    this.#newest[lane] = slot;
    this.#cursors[lane] = (cursor + 1) % this.#ring;
    this.#sizes[lane] = Math.min(size + 1, this.#ring);
  }

  /** Whether the incoming observation is the lane's pending one: bit for bit, but for −0 and 0; NaN is never equal, so it is kept aside. */
  #goesOn(lane: number): boolean {
    const start = lane * this.#observation;
    for (let index = 0; index < this.#observation; index += 1)
      if (this.#incoming[index] !== this.#pending[start + index]) return false;
    return true;
  }

  /** Moves the lane's pending observation to the side table: its coming row will not hold it. */
  #setAside(lane: number): void {
    const final = this.#free.pop() ?? this.#finalsUsed++;
    this.#finals.change(final).set(this.#pendingOf(lane));
    this.#rows.change(this.#newest[lane] as number)[this.#flags + 1] =
      this.#terminated[lane] === 1 ? -(final + 1) : final + 1;
  }

  #pendingOf(lane: number): Float32Array {
    return this.#pending.subarray(lane * this.#observation, (lane + 1) * this.#observation);
  }

  /** Fills `batch` with transitions drawn uniformly with replacement. The buffer must not be empty. */
  sample(rng: Pcg64, batch: Batch): void {
    const [observation, action] = [this.#observation, this.#flags - this.#observation];
    this.#draw(rng, batch.reward.length, (slot, place) => {
      const chunk = this.#rows.chunkOf(slot);
      const start = this.#rows.startOf(slot);
      copy(chunk, start, batch.observation, place * observation, observation);
      copy(chunk, start + observation, batch.action, place * action, action);
      this.#copyNext(this.#lookAhead(slot, batch, place), batch.nextObservation, place * observation);
    });
  }

  /** What `sample` would draw, without the observations and actions. */
  pick(rng: Pcg64, picks: Picks): void {
    this.#draw(rng, picks.reward.length, (slot, place) => {
      picks.first[place] = slot;
      picks.last[place] = this.#lookAhead(slot, picks, place);
    });
  }

  /** Observation, action and next observation of the transition in `slot`, into `target` from `to` on. */
  copyTransition(slot: number, target: Float32Array, to: number): void {
    copy(this.#rows.chunkOf(slot), this.#rows.startOf(slot), target, to, this.#flags);
    this.#copyNext(slot, target, to + this.#flags);
  }

  /** Slots, in order, whose transitions are not what they were at the last call; the first time, all that are held. */
  takeChanged(): number[] {
    const changed = this.#changed === null ? this.#held() : [...this.#changed].sort((a, b) => a - b);
    this.#changed = new Set();
    return changed;
  }

  #held(): number[] {
    const held: number[] = [];
    for (let slot = 0; slot < this.#slotsUsed(); slot += 1)
      if (Math.floor(slot / this.#lanes) < (this.#sizes[slot % this.#lanes] as number)) held.push(slot);
    return held;
  }

  #draw(rng: Pcg64, count: number, take: (slot: number, place: number) => void): void {
    const { size } = this;
    const inStep = this.#sizes.every((own) => own === this.#sizes[0]);
    for (let place = 0; place < count; place += 1) {
      const index = rng.integers(0, size);
      // In lockstep the number of a transition is its slot: lane index % lanes, place in the ring floor(index / lanes).
      take(inStep ? index : this.#slotOf(index), place);
    }
  }

  /** The slot of transition `index`, counted lane by lane: some lanes are a step ahead. */
  #slotOf(index: number): number {
    let lane = 0;
    let place = index;
    while (place >= (this.#sizes[lane] as number)) place -= this.#sizes[lane++] as number;
    return place * this.#lanes + lane;
  }

  /** Fills in the n-step return that begins in `slot`; gives the slot of its last transition. */
  #lookAhead(slot: number, { reward: rewards, bootstrap }: Pick<Batch, 'reward' | 'bootstrap'>, place: number): number {
    const [rows, flags] = [this.#rows, this.#flags];
    const lane = slot % this.#lanes;
    const newest = this.#newest[lane] as number;
    let chunk = rows.chunkOf(slot);
    let start = rows.startOf(slot);
    // In float64; without adding to 0 first, which would make a lone −0 a 0.
    let reward = chunk[start + flags] as number;
    let alive = true;
    let at = slot;
    let m = 1;
    for (; ; m += 1) {
      const end = chunk[start + flags + 1] as number;
      if (end !== 0) {
        alive = end > 0;
        break;
      }
      if (at === newest) {
        alive = this.#terminated[lane] === 0;
        break;
      }
      if (m === this.#steps) break;
      at = this.#following(at);
      chunk = rows.chunkOf(at);
      start = rows.startOf(at);
      reward += (this.#powers[m] as number) * (chunk[start + flags] as number);
    }
    rewards[place] = reward;
    bootstrap[place] = alive ? (this.#powers[m] as number) : 0;
    return at;
  }

  // Plain loops, here and in `sample`: with a `subarray` for each row the gather takes more than twice as long.
  #copyNext(slot: number, target: Float32Array, to: number): void {
    const [rows, observation, lane] = [this.#rows, this.#observation, slot % this.#lanes];
    const end = rows.chunkOf(slot)[rows.startOf(slot) + this.#flags + 1] as number;
    if (end !== 0) {
      const final = Math.abs(end) - 1;
      copy(this.#finals.chunkOf(final), this.#finals.startOf(final), target, to, observation);
    } else if (slot === this.#newest[lane]) {
      copy(this.#pending, lane * observation, target, to, observation);
    } else {
      const next = this.#following(slot);
      copy(rows.chunkOf(next), rows.startOf(next), target, to, observation);
    }
  }

  /** The slot of the lane's next transition. */
  #following(slot: number): number {
    const next = slot + this.#lanes;
    return next < this.#total ? next : next - this.#total;
  }

  /** Everything that later samples depend on; the rows and the side table as segments. */
  getState(): Experience {
    const [used, finalsUsed] = [this.#slotsUsed(), this.#finalsUsed];
    const lanes = Array.from(this.#sizes, (size, lane) => [
      this.#cursors[lane] as number,
      size,
      this.#ended[lane] as number,
      this.#terminated[lane] as number,
    ]);
    return {
      tensors: {
        // By lane: where the next transition goes, how many there are, whether the newest ended its episode, and as a terminal one.
        lanes: { shape: [this.#lanes, 4], data: Int32Array.from(lanes.flat()) },
        pending: { shape: [this.#lanes, this.#observation], data: this.#pending.slice() },
        free: vector(Int32Array.from(this.#free)),
        sizes: vector(Int32Array.of(this.#ring, finalsUsed)),
      },
      segments: [...this.#rows.segments('rows', used), ...this.#finals.segments('finals', finalsUsed)],
    };
  }

  /**
   * Takes over what `getState` gave: its tensors, and its segments by their names. A buffer of other lanes or another capacity
   * takes in the newest transitions for which it has room, cut into as many runs as it has lanes.
   * Throws `checkpoint_incompatible` where observations or actions have another size, or a segment is missing.
   */
  setState(state: Tensors): void {
    const lanes = take(state, 'lanes', Int32Array);
    const pending = take(state, 'pending', Float32Array);
    const [ring = 0, finalsUsed = 0] = take(state, 'sizes', Int32Array).data;
    const count = lanes.shape[0] as number;
    const column = (place: number): Int32Array => lanes.data.filter((_, index) => index % 4 === place);
    const [cursors, sizes] = [column(0), column(1)];
    if (
      pending.data.length !== count * this.#observation ||
      sizes.some((size, lane) => size > ring || (cursors[lane] as number) >= ring) ||
      !this.#rows.fits('rows', state, slotsUsed(sizes)) ||
      !this.#finals.fits('finals', state, finalsUsed)
    ) {
      throw new DomainError(
        'checkpoint_incompatible',
        `The replay buffer has ${this.#rows.width} numbers a transition, ${this.#observation} of them observed; the checkpoint has ${slotsUsed(sizes)} transitions of ${state['rows/0']?.shape[1] ?? 0} numbers, ${pending.shape[1]} of them observed, or lacks a part of them. Use a checkpoint of the same environment and algorithm.`,
      );
    }
    if (count !== this.#lanes || ring !== this.#ring) {
      const other = new ReplayBuffer({ ...this.#options, capacity: ring * count, lanes: count });
      other.setState(state);
      this.#takeFrom(other);
      return;
    }
    this.#changed = null;
    this.#rows.restore('rows', state, slotsUsed(sizes));
    this.#finals.restore('finals', state, finalsUsed);
    this.#free = Array.from(take(state, 'free', Int32Array).data);
    this.#finalsUsed = finalsUsed;
    this.#pending.set(pending.data);
    this.#cursors.set(cursors);
    this.#sizes.set(sizes);
    this.#ended.set(column(2));
    this.#terminated.set(column(3));
    this.#newest.set(cursors.map((cursor, lane) => (sizes[lane] === 0 ? -1 : this.#before(cursor) * count + lane)));
  }

  #slotsUsed(): number {
    return slotsUsed(this.#sizes);
  }

  #before(cursor: number): number {
    return (cursor + this.#ring - 1) % this.#ring;
  }

  /** The newest transitions of `other` in runs of equal length, one a lane; a run ends as an episode that was cut off. */
  #takeFrom(other: ReplayBuffer): void {
    this.#changed = null;
    this.#free = [];
    this.#finalsUsed = 0;
    this.#cursors.fill(0);
    this.#sizes.fill(0);
    this.#newest.fill(-1);
    const run = Math.min(this.#ring, Math.floor(other.size / this.#lanes));
    const wanted = run * this.#lanes;
    let taken = 0;
    for (let lane = 0; lane < other.#lanes; lane += 1) {
      for (const transition of other.#newestOf(lane, Math.ceil(wanted / other.#lanes))) {
        if (taken === wanted) return;
        const to = Math.floor(taken / run);
        taken += 1;
        const cut = taken % run === 0 && !transition.terminated;
        this.add(to, cut ? { ...transition, truncated: true } : transition);
      }
    }
  }

  /** The last `count` transitions of a lane, oldest first; the newest one as the end of its episode. */
  *#newestOf(lane: number, count: number): Generator<Transition> {
    const newest = this.#newest[lane] as number;
    const own = Math.min(this.#sizes[lane] as number, count);
    for (let age = own; age > 0; age -= 1) {
      const place = ((this.#cursors[lane] as number) + this.#ring - age) % this.#ring;
      const slot = place * this.#lanes + lane;
      const row = this.#rows.row(slot);
      const end = row[this.#flags + 1] as number;
      const isNewest = slot === newest;
      const terminated = isNewest ? this.#terminated[lane] === 1 : end < 0;
      const next = ((place + 1) % this.#ring) * this.#lanes + lane;
      yield {
        observation: row.subarray(0, this.#observation),
        action: row.subarray(this.#observation, this.#flags),
        reward: row[this.#flags] as number,
        nextObservation: isNewest
          ? this.#pendingOf(lane)
          : end === 0
            ? this.#rows.row(next).subarray(0, this.#observation)
            : this.#finals.row(Math.abs(end) - 1),
        terminated,
        truncated: !terminated && (isNewest || end > 0),
      };
    }
  }
}

/** Slots of a buffer. */
export const slotsOf = (options: ReplayOptions): number => ringSize(options) * options.lanes;

function ringSize({ capacity, lanes }: ReplayOptions): number {
  return Math.max(1, Math.floor(capacity / lanes));
}

/** Slots up to the last one that is used. */
function slotsUsed(sizes: Int32Array): number {
  return sizes.reduce(
    (most, size, lane) => (size === 0 ? most : Math.max(most, (size - 1) * sizes.length + lane + 1)),
    0,
  );
}

function chunkRowsOf(options: ReplayOptions): number {
  const { observationSize, actionSize } = options;
  const bytes = Float32Array.BYTES_PER_ELEMENT * (observationSize + actionSize + EXTRA);
  const share = Math.ceil(slotsOf(options) / CHUNKS.perRing);
  return Math.max(CHUNKS.leastRows, Math.min(share, Math.floor(CHUNKS.bytes / bytes)));
}

function copy(source: Float32Array, from: number, target: Float32Array, to: number, count: number): void {
  for (let index = 0; index < count; index += 1) target[to + index] = source[from + index] as number;
}
