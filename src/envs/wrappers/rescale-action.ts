// RescaleAction: actions between bounds of one's own choice, stretched to those of the environment.
// gymnasium/wrappers/transform_action.py and rescale_box of wrappers/utils.py, with numpy's roundings.
import { DomainError } from '../../errors.ts';
import type { Tensors } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { FreeKwarg } from '../kwargs.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { Box } from '../spaces/box.ts';
import { JsonTensorError, parseNested, shapeOf } from '../spaces/json-tensor.ts';
import type { Value } from '../spaces/space.ts';
import { boxOf, wrapper } from './wrapper.ts';

/** One bound for all elements, or nested lists of them. */
type Bound = number | readonly unknown[];

class RescaleAction implements Env {
  readonly actionSpace: Box;
  readonly #env: Env;
  /** wanted = slope · own + shift, in the dtype of the space. */
  readonly #slope: Float32Array | Float64Array;
  readonly #shift: Float32Array | Float64Array;

  constructor(env: Env, bounds: Box, low: Float64Array, high: Float64Array) {
    this.#env = env;
    const { shape, dtype } = bounds;
    const round = dtype === 'float32' ? Math.fround : (x: number) => x;
    this.actionSpace = new Box({ low, high, shape, dtype });
    this.#slope = bounds.low.map((from, i) => {
      const range = (bounds.high[i] as number) - from;
      return Number.isFinite(range) ? ((high[i] as number) - (low[i] as number)) / range : 1;
    });
    this.#shift = bounds.low.map((from, i) => {
      const to = low[i] as number;
      if (Number.isFinite(to)) return round((this.#slope[i] as number) * -from) + to;
      const end = high[i] as number;
      return Number.isFinite(end) ? end - (bounds.high[i] as number) : 0;
    });
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
    const shifted = action.map((x, i) => x - (this.#shift[i] as number));
    return this.#env.step(shifted.map((x, i) => x / (this.#slope[i] as number)));
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

function boundKwarg(bound: number, description: string): FreeKwarg<Bound> {
  return {
    type: 'free',
    schema: { anyOf: [{ type: 'number' }, { type: 'array' }] },
    default: bound,
    description,
    read: (value) => {
      if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
      return Array.isArray(value) ? value : undefined;
    },
    wanted: 'a finite number, or a list of numbers of the shape of the action space',
  };
}

function elements(kwarg: string, bound: Bound, { shape, size }: Box): Float64Array {
  if (typeof bound === 'number') return new Float64Array(size).fill(bound);
  try {
    return Float64Array.from(parseNested(bound, shape));
  } catch (error) {
    if (!(error instanceof JsonTensorError)) throw error;
    throw new DomainError(
      'invalid_kwargs',
      `RescaleAction: "${kwarg}"${error.place} ${error.message}; its shape is [${shapeOf(bound)}] and that of the action space [${shape}]. Send one number or one for each element.`,
      { cause: error },
    );
  }
}

function check(bounds: Box, low: Float64Array, high: Float64Array): void {
  for (let i = 0; i < bounds.size; i++) {
    const [from, to] = [low[i] as number, high[i] as number];
    // What is rescaled onto one point has no inverse.
    if (!(Math.fround(from) < Math.fround(to))) {
      throw new DomainError(
        'invalid_kwargs',
        `RescaleAction: "min_action" is ${from} and "max_action" ${to} for element ${i}; the first must be below the second.`,
      );
    }
    for (const [own, wanted] of [
      [bounds.low[i] as number, from],
      [bounds.high[i] as number, to],
    ] as const) {
      if (own === wanted || (Number.isFinite(own) && Number.isFinite(wanted))) continue;
      throw new DomainError(
        'invalid_wrapper',
        `RescaleAction cannot stretch ${wanted} to ${own}, the bound of element ${i} of the action space; both must be finite. Where ClipAction took the bounds away, put RescaleAction before it in the list.`,
      );
    }
  }
}

export const rescaleAction = wrapper({
  name: 'RescaleAction',
  summary: 'Stretches actions from [min_action, max_action] to the bounds of the action space.',
  kwargs: {
    min_action: boundKwarg(-1, 'Stands for the lower bound of the action space: one number, or one for each element.'),
    max_action: boundKwarg(1, 'Stands for the upper bound of the action space: one number, or one for each element.'),
  },
  wrap: (env, { min_action, max_action }) => {
    const bounds = boxOf('RescaleAction', env, 'action');
    const low = elements('min_action', min_action, bounds);
    const high = elements('max_action', max_action, bounds);
    check(bounds, low, high);
    return new RescaleAction(env, bounds, low, high);
  },
});
