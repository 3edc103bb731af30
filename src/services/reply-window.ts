// The last answers of one environment by their `seq`, for a client that asks again because it never saw them.
import { TensorData } from '../envs/spaces/tensor-data.ts';
import { DomainError } from '../errors.ts';
import type {
  ResetReply,
  RolloutAnimation,
  RolloutReply,
  StepReply,
  VectorResetReply,
  VectorStepReply,
} from './environment-record.ts';

/** What a call answers, by its kind. */
export interface Answers {
  readonly reset: ResetReply | VectorResetReply;
  readonly step: StepReply | VectorStepReply;
  readonly rollout: RolloutReply;
  readonly animation: RolloutAnimation;
}

interface Kept<K extends keyof Answers = keyof Answers> {
  readonly kind: K;
  readonly reply: Answers[K];
  readonly bytes: number;
}

/** Answers that are kept: what a client may have under way at once without losing any. */
const WINDOW = 8;
/** Of all that one environment keeps; the newest is kept whatever its size. */
const WINDOW_BYTES = 8 << 20;
/** About what one info takes. */
const INFO_BYTES = 512;

/** How many answers are kept of an environment that answers with `numbers` observed numbers of `count` sub-environments. */
export function windowOf(numbers: number, count: number): number {
  const bytes = (numbers * Float64Array.BYTES_PER_ELEMENT + INFO_BYTES) * count;
  return Math.max(1, Math.min(WINDOW, Math.floor(WINDOW_BYTES / bytes)));
}

export class ReplyWindow {
  /** How many it keeps at most; rollouts are larger than steps, and of them it may keep fewer. */
  readonly size: number;
  /** By `seq`, the oldest first. */
  readonly #kept = new Map<number, Kept>();
  #bytes = 0;

  constructor(size: number) {
    this.size = size;
  }

  add<K extends keyof Answers>(seq: number, kind: K, reply: Answers[K]): void {
    const bytes = bytesOf(reply);
    this.#kept.set(seq, { kind, reply, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.#kept) {
      if (oldest === seq || (this.#kept.size <= this.size && this.#bytes <= WINDOW_BYTES)) break;
      this.#kept.delete(oldest);
      this.#bytes -= freed;
    }
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  /**
   * The stored answer where `seq` asks again for a call of this kind; null where it is the call after `done`, the last one.
   * Throws `sequence_mismatch` for any other number.
   */
  repeated<K extends keyof Answers>(id: string, done: number, seq: number | null, kind: K): Answers[K] | null {
    if (seq === null || seq === done + 1) return null;
    const kept = this.#kept.get(seq);
    if (kept?.kind === kind) return kept.reply as Answers[K];
    const was = kept === undefined ? '' : `, call ${seq} was another one`;
    throw new DomainError(
      'sequence_mismatch',
      `seq is ${seq} and environment ${id} has done call ${done}${was}; send ${done + 1} for the next ${NAMES[kind]}${this.#again(done, kind)}.`,
    );
  }

  /** Which answers of this kind there still are, from the last call back. */
  #again(done: number, kind: keyof Answers): string {
    let first = done + 1;
    while (this.#kept.get(first - 1)?.kind === kind) first--;
    if (first > done) return '';
    return first === done
      ? `, or ${done} to get the last answer again`
      : `, or ${first} to ${done} to get an answer again`;
  }
}

const NAMES = { reset: 'reset', step: 'step', rollout: 'rollout', animation: 'rollout' } as const satisfies Record<
  keyof Answers,
  string
>;

function bytesOf(reply: object): number {
  return Object.values(reply).reduce<number>((bytes, value) => bytes + sizeOf(value), INFO_BYTES);
}

/** About the memory of a field of an answer. */
function sizeOf(value: unknown): number {
  if (value instanceof TensorData) return value.data.byteLength;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (Array.isArray(value)) return value.length * (typeof value[0] === 'object' ? INFO_BYTES : 8);
  if (typeof value !== 'object' || value === null) return 8;
  return Object.values(value).reduce<number>((bytes, part) => bytes + (Array.isArray(part) ? part.length * 8 : 8), 0);
}
