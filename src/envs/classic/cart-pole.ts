// CartPole-v1: keep a pole upright on a cart by pushing the cart left or right (Barto, Sutton & Anderson 1983). Equations
// and constants are those of gymnasium/envs/classic_control/cartpole.py (1.4.0); all in float64, only the observation is
// rounded. Every step pays 1, also the last; the episode ends when the pole leans more than 12° or the cart leaves ±2.4 m.
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
import { CART_POLE } from './drawings.ts';
import { resetBounds } from './reset-bounds.ts';

/** m/s² */
const GRAVITY = 9.8;
/** kg */
const POLE_MASS = 0.1;
/** kg, of cart and pole. */
const TOTAL_MASS = POLE_MASS + 1;
/** m, of half the pole. */
const HALF_LENGTH = 0.5;
/** kg m, mass of the pole times half its length. */
const POLE_MOMENT = POLE_MASS * HALF_LENGTH;
/** N */
const FORCE = 10;
/** Seconds per step. */
const DT = 0.02;
/** m */
const MAX_POSITION = 2.4;
/** rad: 12°. */
const MAX_ANGLE = (12 * 2 * Math.PI) / 360;
/** Of the uniform start of each of the four numbers. */
const RESET_BOUNDS = { low: -0.05, high: 0.05 };

const KWARGS = {
  sutton_barto_reward: {
    type: 'boolean',
    default: false,
    description: 'Pay 0 for each step and −1 for the one that ends the episode, as Sutton and Barto do.',
  },
} as const satisfies KwargSchemas;

const LIMITS = [2 * MAX_POSITION, Infinity, 2 * MAX_ANGLE, Infinity];
const OBSERVATION_SPACE = new Box({ low: LIMITS.map((x) => -x), high: LIMITS, shape: [4], dtype: 'float32' });
/** Push left, right. */
const ACTION_SPACE = new Discrete({ n: 2 });

const SPEC: EnvSpec = {
  id: 'CartPole-v1',
  summary: 'Balance a pole on a cart by pushing the cart left and right.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 500,
  rewardThreshold: 475,
  kwargsSchema: kwargsSchema(KWARGS),
};

class CartPole implements Env {
  readonly spec = SPEC;
  readonly observationSpace = OBSERVATION_SPACE;
  readonly actionSpace = ACTION_SPACE;
  readonly #suttonBarto: boolean;
  #rng = Pcg64.fromEntropy();
  /** x in m, its velocity, θ in rad with 0 upright, its velocity. */
  #state: Float64Array = new Float64Array(4);

  constructor({ sutton_barto_reward }: Kwargs<typeof KWARGS>) {
    this.#suttonBarto = sutton_barto_reward;
  }

  /** Options `low` and `high`: bounds of the uniform start of all four numbers. */
  reset({ seed, options }: ResetOptions = {}): ResetResult {
    const { low, high } = resetBounds(SPEC.id, options, RESET_BOUNDS);
    this.#rng = reseeded(this.#rng, seed);
    this.#state = this.#rng.uniformArray(low, high, 4);
    return { observation: Float32Array.from(this.#state), info: {} };
  }

  /** One Euler step of the equations in Florian (2007), https://coneural.org/florian/papers/05_cart_pole.pdf. */
  step(action: Value): StepResult {
    const force = discreteAction(SPEC.id, ACTION_SPACE, action) === 1 ? FORCE : -FORCE;
    const [x, velocity, theta, omega] = this.#state as unknown as [number, number, number, number];
    const [cos, sin] = [Math.cos(theta), Math.sin(theta)];
    const push = (force + POLE_MOMENT * (omega * omega) * sin) / TOTAL_MASS;
    const angularAcceleration =
      (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4 / 3 - (POLE_MASS * (cos * cos)) / TOTAL_MASS));
    const acceleration = push - (POLE_MOMENT * angularAcceleration * cos) / TOTAL_MASS;

    const next = Float64Array.of(
      x + DT * velocity,
      velocity + DT * acceleration,
      theta + DT * omega,
      omega + DT * angularAcceleration,
    );
    this.#state = next;
    const terminated = Math.abs(next[0] as number) > MAX_POSITION || Math.abs(next[2] as number) > MAX_ANGLE;
    const reward = this.#suttonBarto ? (terminated ? -1 : 0) : 1;
    return { observation: Float32Array.from(next), reward, terminated, truncated: false, info: {} };
  }

  getState(): Tensors {
    return { ...nest('rng', this.#rng.getState()), state: vector(this.#state.slice()) };
  }

  setState(state: Tensors): void {
    const restored = takeVector(state, 'state', Float64Array, 4);
    this.#rng = Pcg64.fromState(under('rng', state));
    this.#state = restored.slice();
  }

  render(options?: RenderOptions): Image {
    return drawn(SPEC.id, CART_POLE, { x: this.#state[0] as number, theta: this.#state[2] as number }, options);
  }

  close(): void {}

  [Symbol.dispose](): void {}
}

export const cartPole: Registration = {
  spec: SPEC,
  make: async (kwargs) => new CartPole(resolveKwargs(SPEC.id, KWARGS, kwargs)),
};
