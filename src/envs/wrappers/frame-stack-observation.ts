// FrameStackObservation: the last observations in one, the oldest first. gymnasium/wrappers/stateful_observation.py.
import { DomainError } from '../../errors.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { FreeKwarg } from '../kwargs.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import { Box } from '../spaces/box.ts';
import type { Value } from '../spaces/space.ts';
import { boxOf, wrapper } from './wrapper.ts';
import { zeroOf } from './zero.ts';

type Frame = Float32Array | Float64Array;
/** What stands before the first observation: that one again, zeros, or an observation as JSON has it. */
type Padding = 'reset' | 'zero' | readonly unknown[];

/** Elements of a stacked observation: so that wrappers around wrappers cannot fill the memory. */
const MAX_ELEMENTS = 100_000;

class FrameStackObservation implements Env {
  readonly observationSpace: Box;
  readonly #env: Env;
  readonly #count: number;
  /** Null: the first observation itself. */
  readonly #padding: Frame | null;
  /** All frames, the oldest first. */
  #frames: Frame;

  constructor(env: Env, { low, high, shape, size, dtype }: Box, count: number, padding: Frame | null) {
    this.#env = env;
    this.#count = count;
    this.#padding = padding;
    const repeat = (bounds: Frame) => Array.from({ length: count }, () => Array.from(bounds)).flat();
    this.observationSpace = new Box({ low: repeat(low), high: repeat(high), shape: [count, ...shape], dtype });
    this.#frames = dtype === 'float32' ? new Float32Array(count * size) : new Float64Array(count * size);
  }

  get spec() {
    return this.#env.spec;
  }

  get actionSpace() {
    return this.#env.actionSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    const result = this.#env.reset(options);
    const first = result.observation as Frame;
    const padding = this.#padding ?? first;
    for (let i = 0; i < this.#count - 1; i++) this.#frames.set(padding, i * first.length);
    this.#frames.set(first, (this.#count - 1) * first.length);
    return { ...result, observation: this.#frames.slice() };
  }

  step(action: Value): StepResult {
    const result = this.#env.step(action);
    const newest = result.observation as Frame;
    this.#frames.copyWithin(0, newest.length);
    this.#frames.set(newest, (this.#count - 1) * newest.length);
    return { ...result, observation: this.#frames.slice() };
  }

  getState(): Tensors {
    return { ...nest('env', this.#env.getState()), frames: vector(this.#frames.slice()) };
  }

  setState(state: Tensors): void {
    restoring(this.spec.id, () => {
      const { length } = this.#frames;
      const frames =
        this.#frames instanceof Float32Array
          ? takeVector(state, 'frames', Float32Array, length)
          : takeVector(state, 'frames', Float64Array, length);
      this.#env.setState(under('env', state));
      this.#frames = frames.slice();
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

const paddingKwarg: FreeKwarg<Padding> = {
  type: 'free',
  schema: { anyOf: [{ enum: ['reset', 'zero'] }, { type: 'array' }] },
  default: 'reset',
  description:
    'What stands before the first observation: that observation again ("reset"), zeros ("zero"), or an observation, as nested lists.',
  read: (value) => (value === 'reset' || value === 'zero' || Array.isArray(value) ? value : undefined),
  wanted: '"reset", "zero" or an observation as nested lists',
};

function frameOf(space: Box, padding: Padding): Frame | null {
  if (padding === 'reset') return null;
  if (padding === 'zero') return zeroOf(space) as Frame;
  let frame: Frame;
  try {
    frame = space.parse(padding, 'observation');
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new DomainError('invalid_kwargs', `FrameStackObservation: "padding_type": ${error.message}`, {
      cause: error,
    });
  }
  if (space.contains(frame)) return frame;
  throw new DomainError(
    'invalid_kwargs',
    `FrameStackObservation: "padding_type" is beyond the bounds of the observation space; send an observation, "reset" or "zero".`,
  );
}

export const frameStackObservation = wrapper({
  name: 'FrameStackObservation',
  summary: 'The last stack_size observations in one, the oldest first, along a new first axis.',
  kwargs: {
    stack_size: {
      type: 'integer',
      default: 4,
      minimum: 1,
      maximum: 1000,
      description: 'How many observations stand in one.',
    },
    padding_type: paddingKwarg,
  },
  wrap: (env, { stack_size, padding_type }) => {
    const space = boxOf('FrameStackObservation', env, 'observation');
    if (space.size * stack_size > MAX_ELEMENTS) {
      throw new DomainError(
        'invalid_kwargs',
        `FrameStackObservation: "stack_size" is ${stack_size}, which makes observations of ${space.size * stack_size} elements; at most ${MAX_ELEMENTS} are allowed.`,
      );
    }
    return new FrameStackObservation(env, space, stack_size, frameOf(space, padding_type));
  },
});
