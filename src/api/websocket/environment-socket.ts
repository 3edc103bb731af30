// One WebSocket on one environment: frames in, calls in their order, frames out. Knows nothing of handshakes.
import type { FastifyBaseLogger } from 'fastify';
import type { WebSocket } from 'ws';
import type { DomainError } from '../../errors.ts';
import { UnusableBody } from '../json.ts';
import { problemOf } from '../problem.ts';
import type { EnvironmentsService } from '../services.ts';
import type { FrameFormat } from './frame-format.ts';
import type { StreamCall, StreamCalls } from './stream-calls.ts';

const UNSUPPORTED_DATA = 1003;
const INVALID_DATA = 1007;
/** Of our own: HTTP's 410. */
const GONE = 4410;
/** RFC 6455 §5.5: what a close frame has room for. */
const MAX_REASON_BYTES = 123;

const PING_EVERY_MS = 30_000;
/** More than this that the client has not taken: its next call waits. */
const MAX_BUFFERED_BYTES = 1 << 20;

export interface SocketOptions {
  readonly environments: Pick<EnvironmentsService, 'attach' | 'detach'>;
  readonly calls: StreamCalls;
  readonly id: string;
  readonly format: FrameFormat;
  readonly requestId: string;
  readonly url: string;
  readonly log: FastifyBaseLogger;
}

export class EnvironmentSocket {
  readonly #socket: WebSocket;
  readonly #options: SocketOptions;
  readonly #window: number;
  /** Frames that were read, or why they cannot be used, and not answered, the oldest first; the one that is answered now is none of them. */
  readonly #waiting: unknown[] = [];
  #isWorking = false;
  /** Whether the client was heard of, or took something, since the last ping. */
  #isAlive = true;

  private constructor(socket: WebSocket, options: SocketOptions) {
    this.#socket = socket;
    this.#options = options;
    const { environments, id } = options;
    const { window, lastSeq } = environments.attach(id, this);
    this.#window = window;

    const pings = setInterval(() => this.#ping(), PING_EVERY_MS).unref();
    socket.on('close', () => {
      clearInterval(pings);
      // What had not begun is not done: its client knows from `last_seq` where to go on.
      this.#waiting.length = 0;
      environments.detach(id, this);
    });
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('message', (frame, isBinary) => this.#receive(frame as Buffer, isBinary));
    void this.#send({ type: 'hello', environment_id: id, window, last_seq: lastSeq });
  }

  /** Closes `socket` where the environment has gone meanwhile. */
  static open(socket: WebSocket, options: SocketOptions): void {
    // What is no WebSocket frame, or too large: `ws` has closed with the code that says so.
    socket.on('error', (error) => options.log.debug({ err: error }, 'A WebSocket broke off.'));
    try {
      new EnvironmentSocket(socket, options);
    } catch (error) {
      socket.close(GONE, reasonOf(error));
    }
  }

  onGone(reason: DomainError): void {
    this.#socket.close(GONE, reasonOf(reason));
  }

  #receive(frame: Buffer, isBinary: boolean): void {
    const { format } = this.#options;
    this.#isAlive = true;
    // After a frame that could not be read the client hears of no call any more, so none is done.
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (isBinary !== format.isBinary) {
      const wanted = format.isBinary ? 'binary frames of MessagePack' : 'text frames of JSON';
      this.#socket.close(UNSUPPORTED_DATA, `This sub-protocol has ${wanted}; send those.`);
      return;
    }
    try {
      this.#waiting.push(format.parse(frame));
    } catch (error) {
      if (!(error instanceof UnusableBody)) {
        this.#socket.close(INVALID_DATA, reasonOf(error));
        return;
      }
      this.#waiting.push(error);
    }
    // Who sends more than its window gets it read as answers go out.
    if (this.#waiting.length > this.#window) this.#socket.pause();
    if (!this.#isWorking) void this.#work();
  }

  /** One call after the other: an answer must not overtake the one before it. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    while (this.#waiting.length > 0) {
      await this.#send(await this.#answer(this.#waiting.shift()));
      if (this.#socket.isPaused && this.#waiting.length <= this.#window) this.#socket.resume();
    }
    this.#isWorking = false;
  }

  async #answer(frame: unknown): Promise<object> {
    const { calls, id } = this.#options;
    let call: StreamCall | null = null;
    try {
      if (frame instanceof UnusableBody) throw frame;
      call = calls.read(frame);
      return { type: 'result', id: call.id, result: await calls.answer(id, call) };
    } catch (error) {
      const sent = frame instanceof UnusableBody ? frame.body : frame;
      return { type: 'error', id: call?.id ?? calls.idOf(sent), error: this.#problem(error) };
    }
  }

  #problem(error: unknown): object {
    const { requestId, url, log } = this.#options;
    const problem = problemOf(error, { requestId, url });
    if (problem.status >= 500 && problem.status !== 503) log.error({ err: error }, 'The call failed.');
    return problem;
  }

  /** Waits where the client takes less than it asks for. */
  async #send(frame: object): Promise<void> {
    const socket = this.#socket;
    const { format } = this.#options;
    const written = await format.write(frame);
    if (socket.readyState !== socket.OPEN) return;
    const taken = new Promise<void>((resolve) => {
      socket.send(written, { binary: format.isBinary }, () => {
        this.#isAlive = true;
        resolve();
      });
    });
    if (socket.bufferedAmount > MAX_BUFFERED_BYTES) await taken;
  }

  #ping(): void {
    const isStuck = this.#socket.bufferedAmount > MAX_BUFFERED_BYTES;
    // During a long call nothing is heard of a client that waits for its answer.
    if (!this.#isAlive && (isStuck || !this.#isWorking)) this.#socket.terminate();
    else this.#socket.ping();
    this.#isAlive = false;
  }
}

function reasonOf(error: unknown): string {
  const bytes = Buffer.from(error instanceof Error ? error.message : String(error));
  // A character that is cut in two is left out.
  return bytes.length <= MAX_REASON_BYTES
    ? bytes.toString()
    : bytes
        .subarray(0, MAX_REASON_BYTES)
        .toString()
        .replace(/\uFFFD+$/, '');
}
