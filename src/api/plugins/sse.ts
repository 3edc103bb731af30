// The events of a job as server-sent events: stored ones as fast as the reader takes them, then live ones.
import { Readable } from 'node:stream';
import type { JobEvent } from '../../storage/jobs.ts';
import { toJson } from '../serializer.ts';
import type { JobsService } from '../services.ts';
import { eventToWire } from '../wire/job.ts';

export interface SseOptions {
  /** A comment this often keeps proxies from closing a quiet stream. */
  readonly heartbeatMs: number;
  /** A reader with more than this pending is disconnected; it may resume with Last-Event-ID. */
  readonly maxPendingBytes: number;
}

export const SSE_DEFAULTS: SseOptions = { heartbeatMs: 15_000, maxPendingBytes: 1 << 20 };

export const SSE_HEADERS = {
  'cache-control': 'no-store',
  // Kept alive, the connection of a finished stream would hold the closing server up until it times out.
  connection: 'close',
  // nginx would collect events until its buffer is full.
  'x-accel-buffering': 'no',
};

interface EventStream extends SseOptions {
  readonly jobs: Pick<JobsService, 'events' | 'subscribe'>;
  readonly id: string;
  readonly after: number;
  readonly signal: AbortSignal;
}

const STORED_PER_READ = 200;

/** Ends after `job.done` or when `signal` aborts. */
export function eventStream(options: EventStream): Readable {
  const live = new LiveQueue(options.maxPendingBytes, () =>
    stream.destroy(new Error('The reader fell too far behind.')),
  );
  const stream = Readable.from(frames(options, live), { objectMode: false });
  return stream;
}

async function* frames({ jobs, id, after, signal, heartbeatMs }: EventStream, live: LiveQueue): AsyncGenerator<string> {
  // Sent at once, so that the client sees its stream open before anything happens.
  yield 'retry: 2000\n\n';

  // The past is read page by page as the reader takes it: it may be larger than what may be pending.
  let last = after;
  for (let page = jobs.events(id, { after: last, limit: STORED_PER_READ }); page.length > 0; ) {
    for (const event of page) {
      yield frameOf(event);
      if (event.type === 'job.done' || signal.aborted) return;
      last = event.id ?? last;
    }
    page = jobs.events(id, { after: last, limit: STORED_PER_READ });
  }

  // Nothing can slip between the two: the subscription begins with whatever was stored since the last page.
  const unsubscribe = jobs.subscribe(id, { after: last }, (event) => {
    live.push(frameOf(event));
    if (event.type === 'job.done') live.end();
  });
  const heartbeat = setInterval(() => live.push(': heartbeat\n\n'), heartbeatMs);
  const stop = () => live.end();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    yield* live;
  } finally {
    signal.removeEventListener('abort', stop);
    clearInterval(heartbeat);
    unsubscribe();
  }
}

/** Frames that came faster than the reader took them. */
class LiveQueue implements AsyncIterable<string> {
  readonly #maxBytes: number;
  readonly #overflow: () => void;
  #frames: string[] = [];
  #bytes = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(maxBytes: number, overflow: () => void) {
    this.#maxBytes = maxBytes;
    this.#overflow = overflow;
  }

  push(frame: string): void {
    if (this.#ended) return;
    this.#frames.push(frame);
    this.#bytes += Buffer.byteLength(frame);
    if (this.#bytes > this.#maxBytes) {
      this.end();
      this.#overflow();
    }
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      const frames = this.#frames;
      this.#frames = [];
      for (const frame of frames) {
        yield frame;
        this.#bytes -= Buffer.byteLength(frame);
      }
      if (this.#frames.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function frameOf(event: JobEvent): string {
  // JSON has no raw line breaks, so one data line is enough.
  return `${event.id === null ? '' : `id: ${event.id}\n`}event: ${event.type}\ndata: ${toJson(eventToWire(event))}\n\n`;
}
