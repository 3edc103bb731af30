// What rewards are divided by, estimated as they come in; statistics of all lanes are one.
import { RunningMoments } from '../../math/running-moments.ts';
import { nest, type Tensors, take, takeVector, under, vector } from '../../math/tensor.ts';
import type { Transition } from '../algorithm.ts';

/** Below this a spread counts as none, and rewards stay as they are. */
const LEAST = 1e-8;

export class RewardNormalizer {
  readonly #kind: 'none' | 'return_std' | 'automatic';
  /** γ. */
  readonly #discount: number;
  /** Discounted sum of the rewards so far in the episode of each lane, G. */
  readonly #returns: Float64Array;
  /** Of [r, Γ, G, G²], with Γ = γ(1 − terminated). */
  readonly #moments = new RunningMoments(4, { samples: 'float64', start: 'float64', startCount: 0 });
  #seen = 0;

  constructor(kind: 'none' | 'return_std' | 'automatic', discount: number, lanes: number) {
    this.#kind = kind;
    this.#discount = discount;
    this.#returns = new Float64Array(lanes);
  }

  observe(
    lane: number,
    { reward, terminated, truncated }: Pick<Transition, 'reward' | 'terminated' | 'truncated'>,
  ): void {
    if (this.#kind === 'none') return;
    const sum = this.#discount * (this.#returns[lane] as number) + reward;
    this.#returns[lane] = terminated || truncated ? 0 : sum;
    this.#moments.update([reward, terminated ? 0 : this.#discount, sum, sum * sum]);
    this.#seen += 1;
  }

  /**
   * The divisor now: with `return_std` √V[G]; with `automatic` √(V[r] + V[Γ]·E[G²])  (arXiv:2105.05347, eq. 5), the spread of
   * the temporal-difference errors that a critic has to learn from. G is summed over the past instead of the future: of one
   * stationary process the two have the same moments, and the past is known.
   */
  get divisor(): number {
    if (this.#kind === 'none' || this.#seen < 2) return 1;
    const [ofReward = 0, ofDiscount = 0, ofReturn = 0] = this.#moments.variance;
    const square = this.#moments.mean[3] as number;
    const spread = Math.sqrt(this.#kind === 'return_std' ? ofReturn : ofReward + ofDiscount * square);
    return spread < LEAST ? 1 : spread;
  }

  getState(): Tensors {
    return {
      returns: vector(this.#returns.slice()),
      seen: vector(Float64Array.of(this.#seen)),
      ...nest('moments', this.#moments.getState()),
    };
  }

  /** Takes over the statistics, where there are any; episodes in progress only where they are of as many lanes. */
  setState(state: Tensors): void {
    const { data } = take(state, 'returns', Float64Array);
    if (data.length === this.#returns.length) this.#returns.set(data);
    else this.#returns.fill(0);
    [this.#seen = 0] = takeVector(state, 'seen', Float64Array, 1);
    this.#moments.prepare(under('moments', state))();
  }
}
