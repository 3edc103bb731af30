// When each step runs and how the threads share it. Steps are cut into blocks of rows, the same blocks for every step with as many
// rows, so what a thread wrote it often reads again itself; a barrier stands only where a step reads what another thread wrote.
import { sizeOf } from '../../../math/tensor.ts';
import { expressionLoads, MANY_ROWS, reads, type Step, type Steps, writes } from './steps.ts';
import { type Buffer, dense, mayOverlap, type View, viewKey } from './views.ts';

/** `rows`: blocks of `BLOCK` rows of dimension 0; `columns`: column tiles of a product; `solo`: the first thread. */
export type Sharing = 'rows' | 'columns' | 'solo';

export interface Plan {
  /** Steps by phase; all threads end a phase before one begins the next. */
  readonly phases: readonly (readonly Step[])[];
  /** What is derived from the state alone: run once after the caller wrote it. */
  readonly prepare: readonly Step[];
  /** Buffers that lie where another does. */
  readonly aliases: ReadonlyMap<Buffer, Buffer>;
  /** Buffers that keep their contents from call to call. */
  readonly residents: readonly Buffer[];
}

/** Rows that stay together: two tiles of 8 rows. */
export const BLOCK = 16;
/** A product with fewer rows is shared by columns. */
const FEW_PRODUCT_ROWS = 64;

export function sharing(step: Step): Sharing {
  const rows = step.shape[0] ?? 1;
  if (step.kind === 'product') return rows >= FEW_PRODUCT_ROWS ? 'rows' : 'columns';
  if (step.kind === 'transpose') return 'rows';
  return rows >= MANY_ROWS ? 'rows' : 'solo';
}

/** How many rows are shared out: of the source, where a step transposes. */
export const sharedRows = (step: Step): number =>
  step.kind === 'transpose' ? (step.source.shape[0] as number) : (step.shape[0] ?? 1);

export function schedule(steps: Steps): Plan {
  const scheduler = new Scheduler(steps);
  scheduler.updateInPlace();
  scheduler.keepTransposes();
  return scheduler.plan();
}

class Scheduler {
  readonly #given: Steps;
  readonly #steps: Set<Step>;
  readonly #prepare: Step[] = [];
  readonly #aliases = new Map<Buffer, Buffer>();
  readonly #residents: Buffer[] = [];
  /** What each step waits for, and whether the same thread did it. */
  readonly #after = new Map<Step, Map<Step, boolean>>();

  constructor(given: Steps) {
    this.#given = given;
    this.#steps = new Set(given.steps);
    for (const step of this.#steps) this.#connect(step);
  }

  /** The next value of a state is written where the state is, if everything that reads the old value comes before; else copied there last. */
  updateInPlace(): void {
    for (const [next, state] of this.#given.next) {
      const writer = this.#writers(next)[0] as Step;
      if (this.#mayOverwrite(writer, next, state)) this.#overwrite(writer, state, next);
      else this.#copyLast(next, state);
    }
  }

  /**
   * A transposed copy of a state outlives the call: the copy of what the state became serves the next call too. So a weight is
   * transposed once a call, by the thread that has just written it, not once before and once after it changed.
   */
  keepTransposes(): void {
    const nextOf = new Map([...this.#given.next].map(([next, state]) => [state, next] as const));
    for (const step of [...this.#steps]) {
      if (step.kind !== 'transpose' || step.source.buffer.home !== 'state') continue;
      const target = (writes(step)[0] as View).buffer;
      const next = nextOf.get(step.source.buffer);
      if (next !== undefined) {
        const { twin, made } = this.#transposeOf(step, next);
        const twinTarget = (writes(twin)[0] as View).buffer;
        if (!this.#mayOverwrite(twin, twinTarget, target, step)) {
          if (made) this.#remove(twin);
          continue;
        }
        this.#overwrite(twin, target, twinTarget, step);
      }
      this.#remove(step);
      this.#prepare.push(step);
      this.#residents.push(target);
    }
  }

  plan(): Plan {
    const order = this.#order();
    const phase = new Map<Step, number>();
    for (const step of order) {
      const earliest = [...this.#waits(step)].map(([before, same]) => (phase.get(before) as number) + (same ? 0 : 1));
      phase.set(step, Math.max(0, ...earliest));
    }
    const count = 1 + Math.max(0, ...phase.values());
    return {
      phases: Array.from({ length: count }, (_, at) => order.filter((step) => phase.get(step) === at)),
      prepare: this.#prepare,
      aliases: this.#aliases,
      residents: this.#residents,
    };
  }

  /** Each step after what it waits for; among those that could come next, the graph's order. */
  #order(): Step[] {
    const order: Step[] = [];
    const done = new Set<Step>();
    const waiting = [...this.#steps].sort((a, b) => a.rank - b.rank);
    while (waiting.length > 0) {
      const at = waiting.findIndex((step) => [...this.#waits(step).keys()].every((before) => done.has(before)));
      if (at < 0) throw new RangeError('The steps of a program wait for each other.');
      const [step] = waiting.splice(at, 1) as [Step];
      done.add(step);
      order.push(step);
    }
    return order;
  }

  #waits(step: Step): Map<Step, boolean> {
    return this.#after.get(step) as Map<Step, boolean>;
  }

  #wait(step: Step, before: Step, same: boolean): void {
    const waits = this.#waits(step);
    waits.set(before, (waits.get(before) ?? true) && same);
  }

  /** Everything that reads what `step` writes waits for it, and it for what it reads. */
  #connect(step: Step): void {
    this.#after.set(step, new Map());
    for (const view of reads(step))
      for (const writer of this.#writers(view.buffer)) {
        // Not for the other parts of a buffer: those may themselves be made of this one.
        if (writer === step || !writes(writer).some((other) => other.buffer === view.buffer && mayOverlap(other, view)))
          continue;
        this.#wait(step, writer, staysOnThread(writer, step, view.buffer));
      }
  }

  #remove(step: Step): void {
    this.#steps.delete(step);
    this.#after.delete(step);
    for (const waits of this.#after.values()) waits.delete(step);
  }

  #writers(buffer: Buffer): Step[] {
    return [...this.#steps].filter((step) => writes(step).some((view) => view.buffer === buffer));
  }

  #readers(buffer: Buffer): Step[] {
    return [...this.#steps].filter((step) => reads(step).some((view) => view.buffer === buffer));
  }

  #depends(step: Step, on: Step): boolean {
    const seen = new Set<Step>();
    const waiting = [step];
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      if (one === on) return true;
      if (seen.has(one)) continue;
      seen.add(one);
      waiting.push(...this.#waits(one).keys());
    }
    return false;
  }

  /** Whether `writer` may put `fresh` where `old` is: who reads the old value does not wait for the new, and it reads no other place itself. */
  #mayOverwrite(writer: Step, fresh: Buffer, old: Buffer, ignored?: Step): boolean {
    if (this.#writers(fresh).length !== 1) return false;
    const target = writes(writer).find(({ buffer }) => buffer === fresh) as View;
    const own = reads(writer).filter(({ buffer }) => buffer === old);
    const loads = expressionLoads(writer.body);
    const elementwise = own.every(
      (view) => loads.includes(view) && view.offset === target.offset && view.strides.join() === target.strides.join(),
    );
    if (!elementwise) return false;
    return this.#readers(old).every(
      (reader) => reader === writer || reader === ignored || !this.#depends(reader, writer),
    );
  }

  #overwrite(writer: Step, old: Buffer, fresh: Buffer, ignored?: Step): void {
    this.#aliases.set(fresh, old);
    for (const reader of this.#readers(old)) {
      if (reader !== writer && reader !== ignored)
        this.#wait(writer, reader, staysOnThread(reader, writer, old, fresh));
    }
  }

  #copyLast(next: Buffer, state: Buffer): void {
    const shape = [next.size];
    const load = { kind: 'load', view: dense(next, shape) } as const;
    const body = { expressions: [], stores: [{ value: load, view: dense(state, shape) }] };
    const copy: Step = { kind: 'map', label: 'next state', rank: Number.MAX_SAFE_INTEGER, shape, body };
    this.#steps.add(copy);
    this.#connect(copy);
    for (const reader of this.#readers(state)) this.#wait(copy, reader, false);
  }

  /** The transpose of `next` that corresponds to `step`, which is one of the state it follows; made where there is none. */
  #transposeOf(step: Step & { kind: 'transpose' }, next: Buffer): { twin: Step; made: boolean } {
    const { source } = step;
    for (const other of this.#steps) {
      if (other.kind === 'transpose' && viewKey(other.source) === viewKey({ ...source, buffer: next }))
        return { twin: other, made: false };
    }
    const store = step.body.stores[0] as { readonly view: View };
    const buffer: Buffer = { ...store.view.buffer };
    const body = { expressions: [], stores: [{ value: { kind: 'anchor' }, view: { ...store.view, buffer } }] } as const;
    const twin: Step = { ...step, label: 'transposed for the next call', source: { ...source, buffer: next }, body };
    this.#steps.add(twin);
    this.#connect(twin);
    return { twin, made: true };
  }
}

/** Whether every thread that does part of `second` touches, of `buffer`, only what it touched in `first` (there called `alias`). */
function staysOnThread(first: Step, second: Step, buffer: Buffer, alias: Buffer = buffer): boolean {
  const [one, two] = [sharing(first), sharing(second)];
  if (one === 'solo' && two === 'solo') return true;
  if (one !== 'rows' || two !== 'rows' || sharedRows(first) !== sharedRows(second)) return false;
  const slabs = [
    ...slabsOf(first, buffer),
    ...slabsOf(second, alias),
    ...(alias === buffer ? [] : slabsOf(second, buffer)),
  ];
  return slabs.every((slab) => slab !== undefined && slab === slabs[0]);
}

/** Floats of `buffer` that belong to each row of `step`, by each of its views; undefined where a row reaches beyond its own. */
function slabsOf(step: Step, buffer: Buffer): (number | undefined)[] {
  const scattered = new Set<View>(step.kind === 'product' || step.kind === 'dots' ? [step.b] : []);
  if (step.kind === 'transpose') for (const view of writes(step)) scattered.add(view);
  return [...reads(step), ...writes(step)]
    .filter((view) => view.buffer === buffer)
    .map((view) => (scattered.has(view) ? undefined : slab(view)));
}

function slab(view: View): number | undefined {
  const [step = 0, ...inner] = view.strides;
  const reach = inner.reduce((sum, stride, axis) => sum + stride * ((view.shape[axis + 1] as number) - 1), view.offset);
  return step > 0 && reach < step && sizeOf(view.shape) > 0 ? step : undefined;
}
