// TransformReward: an affine function of the reward. Gymnasium's takes any function of Python, which no request can carry.
import type { Tensors } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import type { Value } from '../spaces/space.ts';
import { wrapper } from './wrapper.ts';

class TransformReward implements Env {
  readonly #env: Env;
  readonly #scale: number;
  readonly #shift: number;

  constructor(env: Env, scale: number, shift: number) {
    this.#env = env;
    this.#scale = scale;
    this.#shift = shift;
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
    return this.#env.reset(options);
  }

  step(action: Value): StepResult {
    const result = this.#env.step(action);
    return { ...result, reward: result.reward * this.#scale + this.#shift };
  }

  getState(): Tensors {
    return this.#env.getState();
  }

  setState(state: Tensors): void {
    this.#env.setState(state);
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

export const transformReward = wrapper({
  name: 'TransformReward',
  summary: 'Pays scale · reward + shift.',
  kwargs: {
    scale: { type: 'number', default: 1, description: 'Factor of the reward.' },
    shift: { type: 'number', default: 0, description: 'Added to the scaled reward at every step.' },
  },
  wrap: (env, { scale, shift }) => new TransformReward(env, scale, shift),
});
