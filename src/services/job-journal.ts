// What is known of jobs: their rows, events and metrics, written in batches and told to whoever listens. Starts no work.
import { DomainError } from '../errors.ts';
import { type Database, transaction } from '../storage/database.ts';
import type { JobEvent, JobRow, JobState, JobStore, NewEvent } from '../storage/jobs.ts';
import { assertTransition, isTerminal } from './job-states.ts';

type Listener = (event: JobEvent) => void;

/** A job that has not ended, with what is not stored yet. */
interface Live {
  row: JobRow;
  dirty: boolean;
  events: NewEvent[];
  metrics: { readonly key: string; readonly step: number; readonly value: number }[];
}

/** One transaction for all that came in between: a job sends hundreds of events a second. */
const FLUSH_EVERY_MS = 100;
const REPLAY_PAGE = 1000;

export class JobJournal {
  readonly #database: Database;
  readonly #store: JobStore;
  readonly #onError: (error: unknown) => void;
  readonly #live = new Map<string, Live>();
  readonly #listeners = new Map<string, Set<Listener>>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: {
    readonly database: Database;
    readonly store: JobStore;
    /** Told where a batch could not be stored; it is kept and tried again. */
    readonly onError: (error: unknown) => void;
  }) {
    this.#database = options.database;
    this.#store = options.store;
    this.#onError = options.onError;
    for (const row of this.#store.unfinished()) this.#live.set(row.id, { row, dirty: false, events: [], metrics: [] });
  }

  /** Jobs that have not ended, oldest first. */
  unfinished(): JobRow[] {
    return [...this.#live.values()].map(({ row }) => row);
  }

  /** Throws `job_not_found`. */
  get(id: string): JobRow {
    const row = this.#live.get(id)?.row ?? this.#store.find(id);
    if (row === undefined)
      throw new DomainError('job_not_found', `There is no job ${id}; GET /v1/jobs lists all of them.`);
    return row;
  }

  /** `within` is called in the transaction that stores the job. */
  add(row: JobRow, within?: () => void): void {
    const event: NewEvent = { type: 'job.state', step: null, time: row.createdAt, data: { state: row.state } };
    this.#live.set(row.id, { row, dirty: true, events: [event], metrics: [] });
    try {
      this.flush(within);
    } catch (error) {
      this.#live.delete(row.id);
      throw error;
    }
  }

  /**
   * Moves a job to another state, durably, together with `change` and whatever `within` stores.
   * Throws where that cannot be stored; the job is in its new state all the same, and storing it is tried again.
   */
  transition(
    id: string,
    to: JobState,
    { change = {}, data = {}, within }: { change?: Partial<JobRow>; data?: NewEvent['data']; within?: () => void } = {},
  ): JobRow {
    const live = this.#find(id);
    assertTransition(id, live.row.state, to);
    const time = new Date();
    const ended = isTerminal(to);
    live.row = { ...live.row, ...change, state: to, ...(ended && { endedAt: time }) };
    live.events.push({ type: 'job.state', step: null, time, data: { state: to, ...data } });
    if (ended) {
      const { state, error, result } = live.row;
      live.events.push({ type: 'job.done', step: null, time, data: { state, error, result } });
    }
    this.#soon(live);
    this.flush(within);
    return live.row;
  }

  /** Changes what is shown of a job; stored with the next batch. */
  update(id: string, change: Partial<JobRow>): void {
    const live = this.#find(id);
    live.row = { ...live.row, ...change };
    this.#soon(live);
  }

  record(id: string, event: NewEvent): void {
    const live = this.#find(id);
    live.events.push(event);
    this.#soon(live);
  }

  metrics(id: string, step: number, values: Readonly<Record<string, number>>): void {
    const live = this.#find(id);
    for (const [key, value] of Object.entries(values)) live.metrics.push({ key, step, value });
    live.row = { ...live.row, metrics: { ...live.row.metrics, ...values } };
    this.#soon(live);
  }

  /** Tells listeners what is not stored. */
  broadcast(id: string, event: JobEvent): void {
    for (const listener of this.#listeners.get(id) ?? []) listener(event);
  }

  /** Stores all that waits, and whatever `within` stores, in one transaction; then tells the listeners. Events are stored before they are sent. */
  flush(within?: () => void): void {
    const dirty = [...this.#live.values()].filter((live) => live.dirty);
    if (dirty.length === 0 && within === undefined) return;
    const stored = transaction(this.#database, () => {
      within?.();
      return dirty.map((live) => this.#write(live));
    });
    for (const [i, live] of dirty.entries()) {
      const { row, events } = stored[i] as { row: JobRow; events: JobEvent[] };
      live.row = row;
      live.dirty = false;
      live.events = [];
      live.metrics = [];
      if (isTerminal(row.state)) this.#live.delete(row.id);
      for (const event of events) this.broadcast(row.id, event);
    }
  }

  /** Stores what waits so that a reader sees it; where that fails the reader sees what is stored. */
  flushForReading(): void {
    try {
      this.flush();
    } catch (error) {
      this.#onError(error);
    }
  }

  /** Takes back what an interrupted attempt did after `step`. */
  rewind(id: string, step: number): void {
    const live = this.#find(id);
    live.events = live.events.filter((event) => event.step === null || event.step <= step);
    live.metrics = live.metrics.filter((metric) => metric.step <= step);
    this.#store.rewind(id, step);
  }

  /** Stored events after `after`, then live ones: no gap, no duplicate. Returns the end of the subscription. */
  subscribe(id: string, after: number, listener: Listener): () => void {
    this.get(id);
    this.flushForReading();
    for (let from = after; ; ) {
      const page = this.#store.events(id, { after: from, limit: REPLAY_PAGE });
      for (const event of page) listener(event);
      from = page.at(-1)?.id ?? from;
      if (page.length < REPLAY_PAGE) break;
    }
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(id);
    };
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.flush();
  }

  #write(live: Live): { row: JobRow; events: JobEvent[] } {
    let { lastEventId } = live.row;
    const events = live.events.map((event) => ({ id: ++lastEventId, ...event }));
    const row = { ...live.row, lastEventId, updatedAt: new Date() };
    this.#store.save(row);
    for (const event of events) this.#store.insertEvent(row.id, event.id, event);
    for (const { key, step, value } of live.metrics) this.#store.insertMetric(row.id, key, step, value);
    return { row, events: events.map(({ id, type, time, data }) => ({ id, type, time, data })) };
  }

  #find(id: string): Live {
    const live = this.#live.get(id);
    if (live !== undefined) return live;
    const { state } = this.get(id);
    throw new DomainError('invalid_state_transition', `Job ${id} is ${state}; a job that has ended stays as it is.`);
  }

  #soon(live: Live): void {
    live.dirty = true;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      try {
        this.flush();
      } catch (error) {
        this.#onError(error);
        this.#soon(live);
      }
    }, FLUSH_EVERY_MS);
  }
}
