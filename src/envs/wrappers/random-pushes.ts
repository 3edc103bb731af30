// RandomPushes: now and then a body is pushed for some steps, by a force from outside at its centre of mass.
import { DomainError } from '../../errors.ts';
import { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Range } from '../kwargs.ts';
import type { Simulation } from '../mujoco/simulation.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import type { Value } from '../spaces/space.ts';
import { amountKwarg, drawAmount, drawInteger, wrapperStream } from './amount.ts';
import { numbersOf, partKwarg, simulationOf } from './model-perturbation.ts';
import { wrapper } from './wrapper.ts';

/** MuJoCo's number of the world as a body. */
const WORLD = 0;

interface Pushing {
  readonly simulation: Simulation;
  readonly place: number;
  readonly body: number;
  readonly probability: number;
  /** N */
  readonly force: Range;
  /** Steps. */
  readonly duration: Range;
  readonly direction: string;
}

class RandomPushes implements Env {
  readonly #env: Env;
  readonly #pushing: Pushing;
  #rng = Pcg64.fromEntropy();
  /** What the next step is pushed with, in N, and for how many steps it lasts. Drawn before that step. */
  #force = new Float64Array(3);
  #stepsLeft = 0;

  constructor(env: Env, pushing: Pushing) {
    this.#env = env;
    this.#pushing = pushing;
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
    this.#rng = wrapperStream(this.#rng, options?.seed, this.#pushing.place);
    this.#stepsLeft = 0;
    this.#draw();
    return result;
  }

  step(action: Value): StepResult {
    const { simulation, body } = this.#pushing;
    const isPushed = this.#stepsLeft > 0;
    const result = isPushed
      ? simulation.pushed(body, this.#force, () => this.#env.step(action))
      : this.#env.step(action);
    const info = { ...result.info, push_force: Array.from(isPushed ? this.#force : [0, 0, 0]) };
    this.#stepsLeft = Math.max(this.#stepsLeft - 1, 0);
    this.#draw();
    return { ...result, info };
  }

  getState(): Tensors {
    return {
      ...nest('env', this.#env.getState()),
      ...nest('rng', this.#rng.getState()),
      force: vector(this.#force.slice()),
      steps_left: vector(Int32Array.of(this.#stepsLeft)),
    };
  }

  setState(state: Tensors): void {
    restoring(this.spec.id, () => {
      const rng = Pcg64.fromState(under('rng', state));
      const force = takeVector(state, 'force', Float64Array, 3);
      const [stepsLeft] = takeVector(state, 'steps_left', Int32Array, 1) as unknown as [number];
      if (stepsLeft < 0) throw new RangeError(`steps_left is ${stepsLeft}, less than 0.`);
      if (!force.every(Number.isFinite)) throw new RangeError('Tensor "force" has elements that are not finite.');
      this.#env.setState(under('env', state));
      this.#rng = rng;
      this.#force = force.slice();
      this.#stepsLeft = stepsLeft;
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

  /** Whether a push begins with the next step, and which. */
  #draw(): void {
    if (this.#stepsLeft > 0) return;
    const { probability, force, duration, direction } = this.#pushing;
    if (this.#rng.random() >= probability) return;
    this.#stepsLeft = drawInteger(this.#rng, duration);
    const strength = drawAmount(this.#rng, force);
    this.#force = drawDirection(this.#rng, direction).map((x) => x * strength);
  }
}

/** A unit vector: forwards or backwards, anywhere in the plane, or anywhere. */
function drawDirection(rng: Pcg64, direction: string): Float64Array {
  if (direction === 'x') return Float64Array.of(rng.random() < 0.5 ? -1 : 1, 0, 0);
  const height = direction === 'xyz' ? rng.uniform(-1, 1) : 0;
  const angle = rng.uniform(0, 2 * Math.PI);
  // Archimedes: the height of a point on a sphere is uniform.
  const radius = Math.sqrt(1 - height * height);
  return Float64Array.of(radius * Math.cos(angle), radius * Math.sin(angle), height);
}

export const randomPushes = wrapper({
  name: 'RandomPushes',
  summary: 'Pushes a body of a MuJoCo environment at random times, in random directions, for some steps.',
  kwargs: {
    probability: {
      type: 'number',
      default: 0.01,
      minimum: 0,
      maximum: 1,
      description: 'Of a push beginning with a step that is not pushed already.',
    },
    force: amountKwarg(10, 'Strength in N: a number, or [low, high] to draw one for each push.', {
      minimum: 0,
      maximum: 1e6,
    }),
    duration: amountKwarg(10, 'Steps of the environment that a push lasts: a number, or [low, high] to draw it.', {
      minimum: 1,
      maximum: 1_000_000,
      integer: true,
    }),
    direction: {
      type: 'string',
      enum: ['x', 'xy', 'xyz'],
      default: 'xy',
      description: 'Along the x axis (where planar robots move), anywhere in the horizontal plane, or anywhere.',
    },
    body: partKwarg(1, 'Name or number of the body to push; 1 is the first, mostly the trunk.'),
  },
  wrap: (env, { body: part, ...pushing }, context) => {
    const simulation = simulationOf('RandomPushes', env, context);
    const [body] = numbersOf('RandomPushes', simulation, 'body', [part]);
    if (body === undefined || body === WORLD) {
      throw new DomainError('invalid_kwargs', 'RandomPushes: "body" is the world, which nothing moves; name another.');
    }
    return new RandomPushes(env, { simulation, place: context.place, body, ...pushing });
  },
});
