// What a study says while it runs: in a terminal the lines of all running units, renewed in place; elsewhere plain lines,
// and fewer of them.

const REDRAW_EVERY_MS = 10_000;
const PLAIN_EVERY_MS = 60_000;

export class StatusBoard {
  readonly #lines = new Map<string, string>();
  readonly #out: NodeJS.WriteStream;
  readonly #timer: NodeJS.Timeout;
  #drawn = 0;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
    this.#timer = setInterval(() => this.#draw(), out.isTTY ? REDRAW_EVERY_MS : PLAIN_EVERY_MS);
    this.#timer.unref();
  }

  /** What is to be shown of a unit from now on. */
  show(unit: string, line: string): void {
    const isNew = !this.#lines.has(unit);
    this.#lines.set(unit, line);
    if (isNew && this.#out.isTTY) this.#draw();
  }

  remove(unit: string): void {
    this.#lines.delete(unit);
  }

  /** A line that stays. */
  say(line: string): void {
    this.#clear();
    this.#out.write(`${line}\n`);
    if (this.#out.isTTY) this.#draw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(): void {
    this.#clear();
    for (const [unit, line] of this.#lines) this.#out.write(`${`  ${unit}  ${line}`.slice(0, this.#width())}\n`);
    this.#drawn = this.#lines.size;
  }

  #clear(): void {
    if (this.#out.isTTY && this.#drawn > 0) this.#out.write(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }

  /** A line that wraps would be counted as one. */
  #width(): number {
    return this.#out.isTTY ? this.#out.columns - 1 : Number.MAX_SAFE_INTEGER;
  }
}

export function progressLine(progress: {
  readonly timesteps: number;
  readonly total: number;
  readonly stepsPerSecond: number;
  readonly lastReturn: number | string | null;
}): string {
  const { timesteps, total, stepsPerSecond: rate, lastReturn } = progress;
  const eta = rate > 0 ? duration((total - timesteps) / rate) : '–';
  const last = typeof lastReturn === 'number' ? lastReturn.toFixed(1) : (lastReturn ?? '–');
  return `${timesteps.toLocaleString('en')}/${total.toLocaleString('en')} steps | ${rate.toFixed(0)} steps/s | last evaluation ${last} | ETA ${eta}`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
