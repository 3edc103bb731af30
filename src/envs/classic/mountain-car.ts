// MountainCar-v0: drive a car out of a valley that its motor cannot climb at once, with pushes left or right. The hill is
// sin(3x). Equations and constants are those of gymnasium/envs/classic_control/mountain_car.py (1.4.0); all in float64,
// only the observation is rounded. Every step costs 1; the episode ends at the flag, x ≥ 0.5, if the car is fast enough.
import { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import { discreteAction } from '../discrete-action.ts';
import type { Env, EnvSpec, ResetOptions, ResetResult, StepResult } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { drawn } from '../render/drawing.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { reseeded } from '../seeding.ts';
import { Box } from '../spaces/box.ts';
import { Discrete } from '../spaces/discrete.ts';
import type { Value } from '../spaces/space.ts';
import { mountainCarDrawing } from './drawings.ts';
import { resetBounds } from './reset-bounds.ts';

const MIN_POSITION = -1.2;
const MAX_POSITION = 0.6;
/** Per step. */
const MAX_SPEED = 0.07;
const GOAL_POSITION = 0.5;
const DRAWING = mountainCarDrawing(GOAL_POSITION);
/** What a push adds to the velocity. */
const FORCE = 0.001;
/** What the steepest slope adds to it. */
const GRAVITY = 0.0025;
/** Of the uniform start; the car stands still. */
const RESET_BOUNDS = { low: -0.6, high: -0.4 };

const KWARGS = {
  goal_velocity: { type: 'number', default: 0, description: 'The least velocity at the flag that ends the episode.' },
} as const satisfies KwargSchemas;

const OBSERVATION_SPACE = new Box({
  low: [MIN_POSITION, -MAX_SPEED],
  high: [MAX_POSITION, MAX_SPEED],
  shape: [2],
  dtype: 'float32',
});
/** Push left, not at all, right. */
const ACTION_SPACE = new Discrete({ n: 3 });

const SPEC: EnvSpec = {
  id: 'MountainCar-v0',
  summary: 'Rock an underpowered car out of a valley by pushing it left and right.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 200,
  rewardThreshold: -110,
  kwargsSchema: kwargsSchema(KWARGS),
};

class MountainCar implements Env {
  readonly spec = SPEC;
  readonly observationSpace = OBSERVATION_SPACE;
  readonly actionSpace = ACTION_SPACE;
  readonly #goalVelocity: number;
  #rng = Pcg64.fromEntropy();
  #position = 0;
  #velocity = 0;

  constructor({ goal_velocity }: Kwargs<typeof KWARGS>) {
    this.#goalVelocity = goal_velocity;
  }

  /** Options `low` and `high`: bounds of the uniform start. */
  reset({ seed, options }: ResetOptions = {}): ResetResult {
    const { low, high } = resetBounds(SPEC.id, options, RESET_BOUNDS);
    this.#rng = reseeded(this.#rng, seed);
    this.#position = this.#rng.uniform(low, high);
    this.#velocity = 0;
    return { observation: this.#observe(), info: {} };
  }

  step(action: Value): StepResult {
    const direction = discreteAction(SPEC.id, ACTION_SPACE, action) - 1;
    const pull = Math.cos(3 * this.#position) * -GRAVITY;
    this.#velocity = Math.min(Math.max(this.#velocity + (direction * FORCE + pull), -MAX_SPEED), MAX_SPEED);
    this.#position = Math.min(Math.max(this.#position + this.#velocity, MIN_POSITION), MAX_POSITION);
    // The left end is a wall that stops the car.
    if (this.#position === MIN_POSITION && this.#velocity < 0) this.#velocity = 0;

    const terminated = this.#position >= GOAL_POSITION && this.#velocity >= this.#goalVelocity;
    return { observation: this.#observe(), reward: -1, terminated, truncated: false, info: {} };
  }

  getState(): Tensors {
    return { ...nest('rng', this.#rng.getState()), state: vector(Float64Array.of(this.#position, this.#velocity)) };
  }

  setState(state: Tensors): void {
    const [position, velocity] = takeVector(state, 'state', Float64Array, 2);
    this.#rng = Pcg64.fromState(under('rng', state));
    this.#position = position as number;
    this.#velocity = velocity as number;
  }

  render(options?: RenderOptions): Image {
    return drawn(SPEC.id, DRAWING, this.#position, options);
  }

  close(): void {}

  [Symbol.dispose](): void {}

  #observe(): Float32Array {
    return Float32Array.of(this.#position, this.#velocity);
  }
}

export const mountainCar: Registration = {
  spec: SPEC,
  make: async (kwargs) => new MountainCar(resolveKwargs(SPEC.id, KWARGS, kwargs)),
};
