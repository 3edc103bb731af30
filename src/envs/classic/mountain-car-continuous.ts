// MountainCarContinuous-v0: drive a car out of a valley that its motor cannot climb at once, paying for the force used.
// Equations and constants are those of gymnasium/envs/classic_control/continuous_mountain_car.py (1.4.0); the number
// types are numpy 2's, which decide the last bits: the force is float32, unless it is clipped, which makes it a plain
// number; the state is float64 after a reset and float32 after every step; float32 absorbs plain numbers.
import { DomainError } from '../../errors.ts';
import { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, EnvSpec, ResetOptions, ResetResult, StepResult } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { drawn } from '../render/drawing.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { reseeded } from '../seeding.ts';
import { Box } from '../spaces/box.ts';
import type { Value } from '../spaces/space.ts';
import { mountainCarDrawing } from './drawings.ts';
import { resetBounds } from './reset-bounds.ts';

const MIN_POSITION = -1.2;
const MAX_POSITION = 0.6;
/** Per step. */
const MAX_SPEED = 0.07;
const GOAL_POSITION = 0.45;
/** What the full force adds to the velocity. */
const POWER = 0.0015;
/** What the steepest slope adds to it. */
const GRAVITY = 0.0025;
const DRAWING = mountainCarDrawing(GOAL_POSITION);
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
const ACTION_SPACE = new Box({ low: -1, high: 1, shape: [1], dtype: 'float32' });

const SPEC: EnvSpec = {
  id: 'MountainCarContinuous-v0',
  summary: 'Rock an underpowered car out of a valley, with as little force as can be.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 999,
  rewardThreshold: 90,
  kwargsSchema: kwargsSchema(KWARGS),
};

class MountainCarContinuous implements Env {
  readonly spec = SPEC;
  readonly observationSpace = OBSERVATION_SPACE;
  readonly actionSpace = ACTION_SPACE;
  readonly #goalVelocity: number;
  #rng = Pcg64.fromEntropy();
  #position = 0;
  #velocity = 0;
  /** Whether position and velocity are float32 numbers, as they are from the first step on. */
  #single = false;

  constructor({ goal_velocity }: Kwargs<typeof KWARGS>) {
    this.#goalVelocity = goal_velocity;
  }

  /** Options `low` and `high`: bounds of the uniform start. */
  reset({ seed, options }: ResetOptions = {}): ResetResult {
    const { low, high } = resetBounds(SPEC.id, options, RESET_BOUNDS);
    this.#rng = reseeded(this.#rng, seed);
    this.#position = this.#rng.uniform(low, high);
    this.#velocity = 0;
    this.#single = false;
    return { observation: this.#observe(), info: {} };
  }

  /** Forces beyond ±1 are clipped, but cost what was asked for: 0.1·force². The flag, x ≥ 0.45, is worth 100. */
  step(action: Value): StepResult {
    if (!(action instanceof Float32Array) || action.length !== 1) {
      throw new DomainError('action_out_of_space', `${SPEC.id} steps with a Float32Array of 1 force.`);
    }
    const asked = action[0] as number;
    const round = this.#single ? Math.fround : (x: number) => x;

    const pull = GRAVITY * Math.cos(round(3 * this.#position));
    const acceleration =
      Math.abs(asked) > 1
        ? Math.sign(asked) * POWER - pull
        : Math.fround(Math.fround(asked * Math.fround(POWER)) - Math.fround(pull));
    let velocity = round(this.#velocity + round(acceleration));
    const clipped = Math.abs(velocity) > round(MAX_SPEED);
    if (clipped) velocity = Math.sign(velocity) * MAX_SPEED;
    let position = round(this.#position + round(velocity));
    position = Math.min(Math.max(position, round(MIN_POSITION)), round(MAX_POSITION));
    // The left end is a wall that stops the car.
    if (position === round(MIN_POSITION) && velocity < 0) velocity = 0;

    // A clipped velocity is a plain number and compared as one.
    const fastEnough = velocity >= (clipped ? this.#goalVelocity : round(this.#goalVelocity));
    const terminated = position >= round(GOAL_POSITION) && fastEnough;
    this.#position = Math.fround(position);
    this.#velocity = Math.fround(velocity);
    this.#single = true;
    const reward = (terminated ? 100 : 0) - asked * asked * 0.1;
    return { observation: this.#observe(), reward, terminated, truncated: false, info: {} };
  }

  getState(): Tensors {
    return {
      ...nest('rng', this.#rng.getState()),
      state: vector(Float64Array.of(this.#position, this.#velocity)),
      single: vector(Uint8Array.of(this.#single ? 1 : 0)),
    };
  }

  setState(state: Tensors): void {
    const [position, velocity] = takeVector(state, 'state', Float64Array, 2);
    const [single] = takeVector(state, 'single', Uint8Array, 1);
    this.#rng = Pcg64.fromState(under('rng', state));
    this.#position = position as number;
    this.#velocity = velocity as number;
    this.#single = single !== 0;
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

export const mountainCarContinuous: Registration = {
  spec: SPEC,
  make: async (kwargs) => new MountainCarContinuous(resolveKwargs(SPEC.id, KWARGS, kwargs)),
};
