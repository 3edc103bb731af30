// RecordEpisodeStatistics: at the end of an episode its return, length and duration in the info.
// gymnasium/wrappers/common.py. The duration is the wall clock's: it is no part of a snapshot, and an episode that is
// restored counts from then on.
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import type { Value } from '../spaces/space.ts';
import { wrapper } from './wrapper.ts';

export class RecordEpisodeStatistics implements Env {
  readonly #env: Env;
  readonly #nowMs: () => number;
  #return = 0;
  #length = 0;
  #startedMs: number;

  /** `nowMs` is the clock; tests bring their own. */
  constructor(env: Env, nowMs: () => number) {
    this.#env = env;
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
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
    this.#return = 0;
    this.#length = 0;
    this.#startedMs = this.#nowMs();
    return result;
  }

  step(action: Value): StepResult {
    const result = this.#env.step(action);
    this.#return += result.reward;
    this.#length += 1;
    if (!(result.terminated || result.truncated)) return result;
    // Microseconds, as Gymnasium rounds.
    const seconds = Math.round((this.#nowMs() - this.#startedMs) * 1000) / 1e6;
    const statistics = { r: this.#return, l: this.#length, t: seconds };
    return { ...result, info: { ...result.info, episode: statistics } };
  }

  getState(): Tensors {
    return {
      ...nest('env', this.#env.getState()),
      episode_return: vector(Float64Array.of(this.#return)),
      episode_length: vector(Int32Array.of(this.#length)),
    };
  }

  setState(state: Tensors): void {
    restoring(this.spec.id, () => {
      const [sum] = takeVector(state, 'episode_return', Float64Array, 1);
      const [length] = takeVector(state, 'episode_length', Int32Array, 1);
      this.#env.setState(under('env', state));
      this.#return = sum as number;
      this.#length = length as number;
      this.#startedMs = this.#nowMs();
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
}

export const recordEpisodeStatistics = wrapper({
  name: 'RecordEpisodeStatistics',
  summary: 'Adds {r, l, t} to the info of the last step: the return, the steps, and the seconds of the episode.',
  kwargs: {},
  wrap: (env) => new RecordEpisodeStatistics(env, () => performance.now()),
});
