// What a check of an environment found: one finding for each rule, the first thing that broke it, or what was seen.
import { DomainError } from '../errors.ts';
import type { Tensors } from '../math/tensor.ts';

export interface Finding {
  readonly name: string;
  readonly passed: boolean;
  /** What broke the rule; else the rule in words, or why there was nothing to see. */
  readonly detail: string;
}

/** Rules by name, each in the words in which it must hold. */
export type Rules = Readonly<Record<string, string>>;

export class Report<R extends Rules> {
  readonly #rules: R;
  readonly #failures = new Map<keyof R, string>();
  readonly #notes = new Map<keyof R, string>();

  constructor(rules: R) {
    this.#rules = rules;
  }

  /** Only the first failure of a rule counts: those after it follow from it. */
  require(rule: keyof R, holds: boolean, found: () => string): void {
    if (!holds && !this.#failures.has(rule)) this.#failures.set(rule, found());
  }

  /** `call` must throw a `DomainError` of this code. */
  requireRefusal(rule: keyof R, code: DomainError['code'], call: () => unknown): void {
    try {
      call();
    } catch (error) {
      const isExpected = error instanceof DomainError && error.code === code;
      this.require(rule, isExpected, () => `It gave ${String(error)} instead.`);
      return;
    }
    this.require(rule, false, () => 'It was taken.');
  }

  /** For a rule that holds because there was nothing to see. */
  note(rule: keyof R, detail: string): void {
    this.#notes.set(rule, detail);
  }

  /** Runs `section`; where it throws, none of its `rules` was seen to hold. */
  async run(rules: readonly (keyof R)[], section: () => void | Promise<void>): Promise<void> {
    try {
      await section();
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      for (const rule of rules)
        this.require(rule, false, () => `The environment threw before it could be seen: ${what}`);
    }
  }

  findings(): Finding[] {
    return Object.entries(this.#rules).map(([name, words]) => {
      const failure = this.#failures.get(name);
      const detail = failure ?? this.#notes.get(name) ?? words;
      return { name, passed: failure === undefined, detail };
    });
  }
}

/** Throws an `Error` that names the first rule that was broken. */
export function assertPassed(what: string, findings: readonly Finding[]): void {
  const broken = findings.find(({ passed }) => !passed);
  if (broken !== undefined) throw new Error(`${what} breaks the rule ${broken.name}: ${broken.detail}`);
}

/** Everything that can be told apart in what an environment gives back, as text: also −0, NaN and the types of arrays. */
export function format(value: unknown): string {
  return JSON.stringify(value, (key, part) => {
    if (ArrayBuffer.isView(part)) {
      const elements = Array.from(part as unknown as ArrayLike<number>, (x) => (Object.is(x, -0) ? '-0' : String(x)));
      return [part.constructor.name, ...elements];
    }
    // The seconds that RecordEpisodeStatistics measures are the wall clock's, as Gymnasium's are.
    if (key === 'episode' && typeof part === 'object' && part !== null && 't' in part) return { ...part, t: null };
    return typeof part === 'number' && !Number.isFinite(part) ? String(part) : part;
  });
}

/** The start of `format`, for a message. */
export function excerpt(value: unknown): string {
  const text = format(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

export function sameBytes(a: Tensors, b: Tensors): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [left, right] = [a[name]?.data, b[name]?.data];
      if (left === undefined || right === undefined || left.constructor !== right.constructor) return false;
      const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
        Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
      return bytes(left).equals(bytes(right));
    })
  );
}
