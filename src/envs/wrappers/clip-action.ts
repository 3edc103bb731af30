// ClipAction: actions beyond the bounds are moved to them. gymnasium/wrappers/transform_action.py.

import type { Tensors } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { Box } from '../spaces/box.ts';
import type { Value } from '../spaces/space.ts';
import { boxOf, wrapper } from './wrapper.ts';

class ClipAction implements Env {
  /** Without bounds, since every number is taken. */
  readonly actionSpace: Box;
  readonly #env: Env;
  readonly #bounds: Box;

  constructor(env: Env, bounds: Box) {
    this.#env = env;
    this.#bounds = bounds;
    const { shape, dtype } = bounds;
    this.actionSpace = new Box({ low: -Infinity, high: Infinity, shape, dtype });
  }

  get spec() {
    return this.#env.spec;
  }

  get observationSpace() {
    return this.#env.observationSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    return this.#env.reset(options);
  }

  step(action: Value): StepResult {
    if (typeof action === 'number') return this.#env.step(action);
    const { low, high } = this.#bounds;
    return this.#env.step(action.map((x, i) => Math.min(Math.max(x, low[i] as number), high[i] as number)));
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

export const clipAction = wrapper({
  name: 'ClipAction',
  summary: 'Moves actions beyond the bounds of the action space to them.',
  kwargs: {},
  wrap: (env) => new ClipAction(env, boxOf('ClipAction', env, 'action')),
});
