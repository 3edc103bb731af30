// ActionDelay: what is done is what was asked for some steps ago; before that, the action nearest to zero.
import { DomainError } from '../../errors.ts';
import { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Range } from '../kwargs.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import type { Value } from '../spaces/space.ts';
import { amountKwarg, drawInteger, wrapperStream } from './amount.ts';
import { wrapper } from './wrapper.ts';
import { zeroOf } from './zero.ts';

const MAX_DELAY = 1000;

class ActionDelay implements Env {
  readonly #env: Env;
  readonly #range: Range;
  readonly #place: number;
  readonly #zero: Value;
  #rng = Pcg64.fromEntropy();
  /** Actions that wait, the oldest first: as many as the delay has steps. */
  #waiting: readonly Value[] = [];

  constructor(env: Env, range: Range, place: number) {
    this.#env = env;
    this.#range = range;
    this.#place = place;
    this.#zero = zeroOf(env.actionSpace);
  }

  get spec() {
    return this.#env.spec;
  }

  get observationSpace() {
    return this.#env.observationSpace;
  }

  get actionSpace() {
    return this.#env.actionSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    const result = this.#env.reset(options);
    this.#rng = wrapperStream(this.#rng, options?.seed, this.#place);
    const delay = drawInteger(this.#rng, this.#range);
    this.#waiting = new Array<Value>(delay).fill(this.#zero);
    return { ...result, info: { ...result.info, action_delay: delay } };
  }

  step(action: Value): StepResult {
    this.#check(action);
    const [oldest = action, ...others] = this.#waiting;
    const result = this.#env.step(oldest);
    if (this.#waiting.length > 0) this.#waiting = [...others, typeof action === 'number' ? action : action.slice()];
    return result;
  }

  getState(): Tensors {
    return {
      ...nest('env', this.#env.getState()),
      ...nest('rng', this.#rng.getState()),
      delay: vector(Int32Array.of(this.#waiting.length)),
      // Numbers of whatever kind are exact in float64.
      waiting: vector(Float64Array.from(this.#waiting.flatMap((action) => elementsOf(action)))),
    };
  }

  setState(state: Tensors): void {
    restoring(this.spec.id, () => {
      const rng = Pcg64.fromState(under('rng', state));
      const [delay] = takeVector(state, 'delay', Int32Array, 1) as unknown as [number];
      if (!(delay >= 0 && delay <= MAX_DELAY)) throw new RangeError(`delay is ${delay}, not from 0 to ${MAX_DELAY}.`);
      const size = elementsOf(this.#zero).length;
      const elements = takeVector(state, 'waiting', Float64Array, delay * size);
      this.#env.setState(under('env', state));
      this.#rng = rng;
      this.#waiting = Array.from({ length: delay }, (_, i) => {
        const own = elements.slice(i * size, (i + 1) * size);
        if (typeof this.#zero === 'number') return own[0] as number;
        return this.#zero instanceof Float32Array ? Float32Array.from(own) : own;
      });
    });
  }

  render(options?: RenderOptions): Image {
    return this.#env.render(options);
  }

  close(): void {
    this.#env.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** At once, and not when its turn comes: then nobody would know which call was wrong. */
  #check(action: Value): void {
    const zero = this.#zero;
    const isAlike =
      typeof zero === 'number'
        ? this.actionSpace.contains(action)
        : typeof action !== 'number' && action.constructor === zero.constructor && action.length === zero.length;
    if (isAlike) return;
    const space = JSON.stringify(this.actionSpace.toDocument());
    throw new DomainError('action_out_of_space', `${this.spec.id} steps with an element of ${space}.`);
  }
}

function elementsOf(action: Value): number[] {
  return typeof action === 'number' ? [action] : Array.from(action);
}

export const actionDelay = wrapper({
  name: 'ActionDelay',
  summary: 'Hands actions on some steps late; until the first arrives, the action nearest to zero is taken.',
  kwargs: {
    delay: amountKwarg(1, 'Steps of the environment: an integer, or [low, high] to draw one per episode.', {
      minimum: 0,
      maximum: MAX_DELAY,
      integer: true,
    }),
  },
  wrap: (env, { delay }, { place }) => new ActionDelay(env, delay, place),
});
