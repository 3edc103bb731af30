// What a crash test knows of the past, and what it found wrong. Every event that was ever seen is remembered by its digest, so that
// an id that comes to mean something else is noticed, whatever was restarted in between.
import { createHash } from 'node:crypto';

export interface SeenEvent {
  readonly id: number;
  readonly [field: string]: unknown;
}

export class Evidence {
  readonly #events = new Map<string, string>();
  readonly violations: string[] = [];
  checkpointsHeld = 0;
  leftovers = 0;

  get events(): number {
    return this.#events.size;
  }

  violation(text: string): void {
    this.violations.push(text);
    process.stdout.write(`  VIOLATION ${text}\n`);
  }

  expect(holds: boolean, text: string): void {
    if (!holds) this.violation(text);
  }

  /** An event that a job was seen to have. */
  saw(jobId: string, event: SeenEvent): void {
    const name = `${jobId} ${event.id}`;
    const digest = createHash('sha256').update(JSON.stringify(event)).digest('base64');
    const before = this.#events.get(name);
    if (before !== undefined && before !== digest) this.violation(`event ${name} came to mean something else`);
    this.#events.set(name, digest);
  }
}
