// A replay buffer's transitions as tables of a program: each in the row of its slot, as `ReplayBuffer.copyTransition` gives it. The buffer
// stays what a checkpoint is made of; from it the tables are made anew.
import type { Program, Tables } from '../../compute/engine.ts';
import type { ReplayBuffer, ReplayOptions } from './replay-buffer.ts';
import { slotsOf } from './replay-buffer.ts';

/** Rows that are written at once: some hundred kB. */
const MOST_ROWS = 4096;

/** Tables for a program whose inputs under each of `prefixes` are a `Batch`; what it takes instead is called as in `Picks`. */
export function replayTables(options: ReplayOptions, prefixes: readonly string[]): Tables {
  const gathers = prefixes.flatMap((prefix) =>
    [
      ['observation', 'first'],
      ['action', 'first'],
      ['nextObservation', 'last'],
    ].map(([table = '', by]) => [`${prefix}${table}`, { table, by: `${prefix}${by}` }] as const),
  );
  return { rows: slotsOf(options), gathers: Object.fromEntries(gathers) };
}

/** Bytes of these tables: unlike the buffer they are there at once, and have every next observation beside its transition. */
export function mirrorBytes(options: ReplayOptions): number {
  return Float32Array.BYTES_PER_ELEMENT * slotsOf(options) * widthOf(options);
}

const widthOf = ({ observationSize, actionSize }: ReplayOptions): number => 2 * observationSize + actionSize;

export class ReplayMirror {
  readonly #replay: ReplayBuffer;
  readonly #program: Program;
  readonly #width: number;

  /** Of a program with `replayTables` of the same options. */
  constructor(replay: ReplayBuffer, options: ReplayOptions, program: Program) {
    this.#replay = replay;
    this.#program = program;
    this.#width = widthOf(options);
  }

  /** Brings the tables up to the buffer, from the program's next call on. */
  update(): void {
    for (const slots of runs(this.#replay.takeChanged())) {
      const rows = new Float32Array(slots.length * this.#width);
      for (const [index, slot] of slots.entries()) this.#replay.copyTransition(slot, rows, index * this.#width);
      this.#program.putRows?.(slots[0] as number, rows);
    }
  }
}

/** Ascending numbers in runs without a gap, of at most `MOST_ROWS`. */
function* runs(slots: readonly number[]): Generator<readonly number[]> {
  let from = 0;
  for (let at = 1; at <= slots.length; at += 1) {
    if (slots[at] === (slots[at - 1] as number) + 1 && at - from < MOST_ROWS) continue;
    yield slots.slice(from, at);
    from = at;
  }
}
