// Cuts an episode short after a number of steps: the only source of `truncated` where the dynamics have none.
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, EnvSpec, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import type { Value } from '../spaces/space.ts';

export class TimeLimit implements Env {
  readonly spec: EnvSpec;
  readonly #env: Env;
  readonly #limit: number;
  #elapsedSteps = 0;

  /** `maxEpisodeSteps` is a positive integer; the spec shows it. */
  constructor(env: Env, maxEpisodeSteps: number) {
    this.#env = env;
    this.#limit = maxEpisodeSteps;
    this.spec = { ...env.spec, maxEpisodeSteps };
  }

  get observationSpace() {
    return this.#env.observationSpace;
  }

  get actionSpace() {
    return this.#env.actionSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    const result = this.#env.reset(options);
    this.#elapsedSteps = 0;
    return result;
  }

  step(action: Value): StepResult {
    const result = this.#env.step(action);
    this.#elapsedSteps += 1;
    // A step can be both: the last allowed one may also reach a terminal state.
    return this.#elapsedSteps >= this.#limit ? { ...result, truncated: true } : result;
  }

  getState(): Tensors {
    return { ...nest('env', this.#env.getState()), elapsed_steps: vector(Int32Array.of(this.#elapsedSteps)) };
  }

  setState(state: Tensors): void {
    const [elapsed] = takeVector(state, 'elapsed_steps', Int32Array, 1) as unknown as [number];
    if (!(elapsed >= 0 && elapsed <= this.#limit))
      throw new RangeError(`elapsed_steps is ${elapsed}, not from 0 to ${this.#limit}.`);
    this.#env.setState(under('env', state));
    this.#elapsedSteps = elapsed;
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
