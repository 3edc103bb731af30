// Noise on top of what a policy does, on actions in [−1, 1]. One lane for each environment that is stepped.
import type { Pcg64 } from '../../math/pcg64.ts';
import { type Tensors, take, vector } from '../../math/tensor.ts';

/** Of the Ornstein–Uhlenbeck process, as Stable-Baselines3's OrnsteinUhlenbeckActionNoise has them; arXiv:1509.02971 has the same θ. */
const THETA = 0.15;
const DT = 0.01;

export class ExplorationNoise {
  readonly #kind: 'none' | 'gaussian' | 'ornstein_uhlenbeck';
  readonly #std: number;
  readonly #size: number;
  readonly #draws: Float32Array;
  /** Where the process of each lane stands [lanes, size]; of Gaussian noise, which has no memory, the last draw. */
  readonly #noise: Float64Array;

  constructor(options: {
    readonly kind: 'none' | 'gaussian' | 'ornstein_uhlenbeck';
    /** σ. */
    readonly std: number;
    readonly lanes: number;
    /** Numbers in an action. */
    readonly size: number;
  }) {
    this.#kind = options.kind;
    this.#std = options.std;
    this.#size = options.size;
    this.#draws = new Float32Array(options.lanes * options.size);
    this.#noise = new Float64Array(options.lanes * options.size);
  }

  /** Adds noise to `actions` [lanes, size] in place and clips them; draws nothing where there is none to add. */
  apply(actions: Float32Array, rng: Pcg64): void {
    if (this.#kind === 'none') return;
    rng.fillNormal(this.#draws);
    for (const [i, draw] of this.#draws.entries()) {
      // n ← n − θ·n·dt + σ·√dt·ε, the process in steps of dt about 0.
      const old = this.#noise[i] as number;
      const noise =
        this.#kind === 'gaussian' ? this.#std * draw : old - THETA * old * DT + this.#std * Math.sqrt(DT) * draw;
      this.#noise[i] = noise;
      actions[i] = Math.min(1, Math.max(-1, (actions[i] as number) + noise));
    }
  }

  /** The process of `lane` begins anew with its episode. */
  endEpisode(lane: number): void {
    this.#noise.fill(0, lane * this.#size, (lane + 1) * this.#size);
  }

  getState(): Tensors {
    return { noise: vector(this.#noise.slice()) };
  }

  /** Takes over the processes where it is of as many lanes; else, and where there is none, they begin anew. */
  setState(state: Tensors): void {
    const { data } = take(state, 'noise', Float64Array);
    if (data.length === this.#noise.length) this.#noise.set(data);
    else this.#noise.fill(0);
  }
}
