// How fast something goes lately.

/** A span short enough to follow the end of the warm-up, long enough not to jump with every evaluation. */
const SPAN_MS = 10_000;

export class Rate {
  readonly #samples: { readonly time: number; readonly count: number }[] = [];

  /** `count` so far, at `time` in milliseconds. Returns counts a second over the last seconds. */
  add(count: number, time: number): number {
    const samples = this.#samples;
    samples.push({ time, count });
    while (samples.length > 2 && time - (samples[1]?.time ?? time) > SPAN_MS) samples.shift();
    const first = samples[0] ?? { time, count };
    return time > first.time ? ((count - first.count) * 1000) / (time - first.time) : 0;
  }
}
