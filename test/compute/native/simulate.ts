// Runs a plan step by step in float64, on one block of memory laid out as the arena says, with the rows of each step dealt to
// several threads. Knows nothing of C. It finds what no result of one run need show: two threads of a phase that touch the same
// float, one of them writing; a number read where nothing was written; a buffer that lies on another still in use.
import type { Graph, Op } from '../../../src/compute/graph.ts';
import type { Arena } from '../../../src/compute/native/lower/arena.ts';
import { BLOCK, type Plan, sharedRows, sharing } from '../../../src/compute/native/lower/schedule.ts';
import type { Body, Operand, Step, Steps } from '../../../src/compute/native/lower/steps.ts';
import type { Buffer, View } from '../../../src/compute/native/lower/views.ts';
import type { Float64Record } from '../../../src/compute/reference/evaluate.ts';
import { BINARY, UNARY } from '../../../src/compute/reference/ops.ts';

export interface Simulated {
  readonly outputs: Float64Record;
  readonly state: Float64Record;
}

export class Simulation {
  readonly #steps: Steps;
  readonly #plan: Plan;
  readonly #arena: Arena;
  readonly #threads: readonly number[];
  readonly memory: Float64Array;
  /** Who of the phase read and wrote each float last, as thread + 1; 0 = no one. */
  readonly #reader: Uint8Array;
  readonly #writer: Uint8Array;
  #thread = 0;
  #what = '';

  /** `threads`: their numbers in the order in which they do a phase, one after the other. */
  constructor(steps: Steps, plan: Plan, arena: Arena, threads: readonly number[]) {
    this.#steps = steps;
    this.#plan = plan;
    this.#arena = arena;
    this.#threads = threads;
    // NaN: what is read before it is written spreads to the results.
    this.memory = new Float64Array(arena.size).fill(Number.NaN);
    this.#reader = new Uint8Array(arena.size);
    this.#writer = new Uint8Array(arena.size);
    for (const [buffer, values] of steps.constants) this.#array(buffer).set(values);
  }

  prepare(state: Float64Record): void {
    for (const [name, buffer] of this.#steps.state) this.#array(buffer).set(state[name] as Float64Array);
    this.#phase(this.#plan.prepare);
  }

  /** One call. Scratch is wiped first: nothing of it may be kept from the call before. */
  call(inputs: Float64Record, graph: Graph): Simulated {
    this.#wipe();
    for (const [name, buffer] of this.#steps.inputs) this.#array(buffer).set(inputs[name] as Float64Array);
    for (const steps of this.#plan.phases) this.#phase(steps);
    const read = (buffers: ReadonlyMap<string, Buffer>, names: Iterable<string>): Float64Record =>
      Object.fromEntries([...names].map((name) => [name, this.#array(buffers.get(name) as Buffer).slice()]));
    return {
      outputs: read(this.#steps.outputs, graph.outputs.keys()),
      state: read(this.#steps.state, graph.state.keys()),
    };
  }

  #wipe(): void {
    const { state, constants } = this.#steps;
    const kept = [...state.values(), ...constants.keys(), ...this.#plan.residents];
    const saved = kept.map((buffer) => this.#array(buffer).slice());
    this.memory.fill(Number.NaN);
    for (const [index, buffer] of kept.entries()) this.#array(buffer).set(saved[index] as Float64Array);
  }

  #array(buffer: Buffer): Float64Array {
    const start = this.#arena.place(buffer);
    return this.memory.subarray(start, start + buffer.size);
  }

  #phase(steps: readonly Step[]): void {
    this.#reader.fill(0);
    this.#writer.fill(0);
    for (const thread of this.#threads) {
      this.#thread = thread + 1;
      for (const step of steps) this.#step(step, thread);
    }
  }

  #step(step: Step, thread: number): void {
    this.#what = `${step.label} [${step.shape}]`;
    const [from, to] = this.#share(step, thread);
    const columns = sharing(step) === 'columns';
    const [rows, ...inner] = step.kind === 'transpose' ? step.source.shape : step.shape.length === 0 ? [1] : step.shape;
    const limits = [rows as number, ...inner];
    const dealt = columns ? limits.length - 1 : 0;
    for (const index of indices(limits, dealt, from, to)) this.#element(step, step.shape.length === 0 ? [] : index);
  }

  /** First and last row (or column) of a thread; the cut is the one of the generated C where rows are dealt. */
  #share(step: Step, thread: number): readonly [number, number] {
    const count = this.#threads.length;
    switch (sharing(step)) {
      case 'solo':
        return thread === 0 ? [0, sharedRows(step)] : [0, 0];
      case 'rows': {
        const rows = sharedRows(step);
        const blocks = Math.ceil(rows / BLOCK);
        const cut = (of: number): number => Math.min(rows, Math.floor((blocks * of) / count) * BLOCK);
        return [cut(thread), cut(thread + 1)];
      }
      case 'columns': {
        const columns = step.shape[1] as number;
        return [Math.floor((columns * thread) / count), Math.floor((columns * (thread + 1)) / count)];
      }
      default:
        throw new TypeError('Unknown sharing.');
    }
  }

  #element(step: Step, index: readonly number[]): void {
    switch (step.kind) {
      case 'map':
        this.#body(step.body, index, Number.NaN);
        break;
      case 'product':
      case 'dots': {
        const [row, column] = index as readonly [number, number];
        let sum = 0;
        for (let k = 0; k < step.inner; k += 1) {
          const b = step.kind === 'product' ? [k, column] : [column, k];
          sum += this.#read(step.a, [row, k]) * this.#read(step.b, b);
        }
        this.#body(step.body, index, sum);
        break;
      }
      case 'reduce': {
        const reduced = step.source.shape.slice(index.length);
        let result = step.reduction === 'sum' ? 0 : Number.NEGATIVE_INFINITY;
        for (const inner of indices(reduced.length === 0 ? [1] : reduced, 0, 0, reduced[0] ?? 1)) {
          const value = this.#read(step.source, reduced.length === 0 ? index : [...index, ...inner]);
          result = step.reduction === 'sum' ? result + value : Math.max(result, value);
        }
        this.#body(step.body, index, result);
        break;
      }
      case 'transpose':
        this.#body(step.body, [...index].reverse(), this.#read(step.source, index));
        break;
      default:
        step satisfies never;
    }
  }

  #body({ expressions, stores }: Body, index: readonly number[], anchor: number): void {
    const values: number[] = [];
    const value = (operand: Operand): number => {
      switch (operand.kind) {
        case 'anchor':
          return anchor;
        case 'value':
          return values[operand.index] as number;
        case 'load':
          return this.#read(operand.view, index);
        case 'number':
          return operand.value;
        default:
          operand satisfies never;
          return Number.NaN;
      }
    };
    for (const { op, operands } of expressions) values.push(compute(op as Limits, operands.map(value)));
    const results = stores.map((store) => value(store.value));
    for (const [place, { view }] of stores.entries()) this.#write(view, index, results[place] as number);
  }

  #place(view: View, index: readonly number[]): number {
    let at = view.offset;
    for (let axis = 0; axis < index.length; axis += 1) at += (index[axis] as number) * (view.strides[axis] as number);
    if (at < 0 || at >= view.buffer.size)
      throw new RangeError(`${this.#what} reaches float ${at} of a buffer of ${view.buffer.size}.`);
    return this.#arena.place(view.buffer) + at;
  }

  #read(view: View, index: readonly number[]): number {
    const at = this.#place(view, index);
    const writer = this.#writer[at] as number;
    if (writer !== 0 && writer !== this.#thread)
      throw new RangeError(
        `${this.#what}: thread ${this.#thread} reads what thread ${writer} writes in the same phase.`,
      );
    const reader = this.#reader[at] as number;
    // 255 = several threads.
    this.#reader[at] = reader === 0 || reader === this.#thread ? this.#thread : 255;
    return this.memory[at] as number;
  }

  #write(view: View, index: readonly number[], value: number): void {
    const at = this.#place(view, index);
    for (const other of [this.#reader[at] as number, this.#writer[at] as number])
      if (other !== 0 && other !== this.#thread)
        throw new RangeError(
          `${this.#what}: thread ${this.#thread} writes what thread ${other} uses in the same phase.`,
        );
    this.#writer[at] = this.#thread;
    this.memory[at] = value;
  }
}

interface Limits {
  readonly kind: Op['kind'];
  readonly min?: number;
  readonly max?: number;
}

function compute({ kind, min, max }: Limits, x: readonly number[]): number {
  const [a, b, c] = x as readonly [number, number, number];
  if (kind === 'select') return a === 0 ? c : b;
  if (kind === 'clip') return Math.min(Math.max(a, min as number), max as number);
  if (kind === 'cast') return a === 0 ? 0 : 1;
  const one = UNARY[kind as keyof typeof UNARY];
  return one === undefined ? BINARY[kind as keyof typeof BINARY](a, b) : one(a);
}

/** Every index of `shape` in C order, along `axis` from `from` to before `to`. */
function* indices(shape: readonly number[], axis: number, from: number, to: number): Generator<number[]> {
  const low = shape.map((_, at) => (at === axis ? from : 0));
  const high = shape.map((size, at) => (at === axis ? to : size));
  if (low.some((start, at) => start >= (high[at] as number))) return;
  const index = [...low];
  for (;;) {
    yield index;
    let at = shape.length - 1;
    for (; at >= 0; at -= 1) {
      index[at] = (index[at] as number) + 1;
      if ((index[at] as number) < (high[at] as number)) break;
      index[at] = low[at] as number;
    }
    if (at < 0) return;
  }
}
