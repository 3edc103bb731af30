// The running mean and variance that normalisations divide by: RunningMeanStd of gymnasium/wrappers/utils.py for one sample at a
// time, by the parallel formula of Chan et al. (1979), every operation rounded as numpy rounds it.
import { type Tensors, takeVector, vector } from './tensor.ts';

/** Gymnasium's weight of the start (mean 0, variance 1), in samples. */
const START_COUNT = 1e-4;

const identity = (x: number) => x;

export class RunningMoments {
  mean: Float64Array;
  variance: Float64Array;
  readonly #startCount: number;
  #count: number;
  readonly #round: (x: number) => number;
  /** Whether the start is float32, whatever the samples are: then the first update rounds the count to it. */
  readonly #roundStart: (x: number) => number;

  constructor(
    size: number,
    {
      samples,
      start,
      startCount = START_COUNT,
    }: {
      readonly samples: 'float32' | 'float64';
      readonly start: 'float32' | 'float64';
      /** The weight of the start (mean 0, variance 1), in samples; with 0 the samples alone count. */
      readonly startCount?: number;
    },
  ) {
    this.#startCount = startCount;
    this.#count = startCount;
    this.mean = new Float64Array(size);
    this.variance = new Float64Array(size).fill(1);
    this.#round = samples === 'float32' ? Math.fround : identity;
    this.#roundStart = start === 'float32' ? Math.fround : identity;
  }

  update(sample: ArrayLike<number>): void {
    const round = this.#round;
    const roundOld = this.#count === this.#startCount ? this.#roundStart : round;
    const total = this.#count + 1;
    const count = round(this.#count);
    const divisor = round(total);
    const mean = this.mean.slice();
    this.variance = this.variance.map((variance, i) => {
      const x = sample[i] as number;
      const delta = round(x - (mean[i] as number));
      this.mean[i] = round((mean[i] as number) + round(delta / divisor));
      const old = roundOld(variance * roundOld(this.#count));
      // The variance of one sample: 0, but NaN where it is not finite.
      const ofSample = (x - x) ** 2;
      const between = round(round(round(delta * delta) * count) / divisor);
      return round(round(round(old + ofSample) + between) / divisor);
    });
    this.#count = total;
  }

  getState(): Tensors {
    return {
      mean: vector(this.mean.slice()),
      variance: vector(this.variance.slice()),
      count: vector(Float64Array.of(this.#count)),
    };
  }

  /** Reads a `getState`; what it returns takes it over. Throws a `TypeError` or `RangeError` for anything else. */
  prepare(state: Tensors): () => void {
    const mean = takeVector(state, 'mean', Float64Array, this.mean.length);
    const variance = takeVector(state, 'variance', Float64Array, this.mean.length);
    const [count] = takeVector(state, 'count', Float64Array, 1) as unknown as [number];
    // The mean and the variance may be NaN, as samples may; what counts them may not.
    if (!(Number.isFinite(count) && count >= this.#startCount))
      throw new RangeError(`count is ${count}, not a number of samples.`);
    return () => {
      this.mean = mean.slice();
      this.variance = variance.slice();
      this.#count = count;
    };
  }
}
