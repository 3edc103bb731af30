// Acrobot-v1: swing the tip of two hanging links above the bar they hang from, with a motor in the joint between them
// (Sutton 1996). Equations and constants are those of gymnasium/envs/classic_control/acrobot.py (1.4.0): one Runge-Kutta
// step in float64 for each action. The start is rounded to float32, and so is every observation. Every step costs 1, but
// the one that lifts the tip a link's length above the bar, which ends the episode.
import { cosFloat32, sinFloat32 } from '../../math/float32-trigonometry.ts';
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
import { ACROBOT } from './drawings.ts';
import { resetBounds } from './reset-bounds.ts';

/** m, of the first link. */
const LENGTH = 1;
/** m, from each link's upper end to its centre of mass. */
const CENTER = 0.5;
/** kg, of each link. */
const MASS = 1;
/** kg m², of each link. */
const INERTIA = 1;
/** m/s² */
const GRAVITY = 9.8;
/** rad/s, of the two joints. */
const MAX_SPEED = [4 * Math.PI, 9 * Math.PI] as const;
/** Of the uniform start of each of the four numbers. */
const RESET_BOUNDS = { low: -0.1, high: 0.1 };

// Attributes of Gymnasium's environment, which there is no other way to set over HTTP.
const KWARGS = {
  dt: { type: 'number', default: 0.2, description: 'Seconds per step.', exclusiveMinimum: 0, maximum: 1 },
  book_or_nips: {
    type: 'string',
    enum: ['book', 'nips'],
    default: 'book',
    description: "The equations of Sutton and Barto's book, or those of Sutton's paper of 1996, which lack a term.",
  },
} as const satisfies KwargSchemas;

const LIMITS = [1, 1, 1, 1, ...MAX_SPEED];
const OBSERVATION_SPACE = new Box({ low: LIMITS.map((x) => -x), high: LIMITS, shape: [6], dtype: 'float32' });
/** A torque of −1, 0 or 1 N m. */
const ACTION_SPACE = new Discrete({ n: 3 });

const SPEC: EnvSpec = {
  id: 'Acrobot-v1',
  summary: 'Swing the tip of a two-link chain up with a motor in its middle joint.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 500,
  rewardThreshold: -100,
  kwargsSchema: kwargsSchema(KWARGS),
};

/** θ₁ in rad with 0 hanging down, θ₂ in rad relative to the first link, and their velocities. */
type State = readonly [theta1: number, theta2: number, omega1: number, omega2: number];

/** Time derivative of `state` under `torque`: Sutton & Barto's book, chapter 11.3 of the first edition. */
function derivative([theta1, theta2, omega1, omega2]: State, torque: number, nips: boolean): State {
  const [cos2, sin2] = [Math.cos(theta2), Math.sin(theta2)];
  const d1 = MASS * CENTER ** 2 + MASS * (LENGTH ** 2 + CENTER ** 2 + 2 * LENGTH * CENTER * cos2) + INERTIA + INERTIA;
  const d2 = MASS * (CENTER ** 2 + LENGTH * CENTER * cos2) + INERTIA;
  const phi2 = MASS * CENTER * GRAVITY * Math.cos(theta1 + theta2 - Math.PI / 2);
  const phi1 =
    -MASS * LENGTH * CENTER * (omega2 * omega2) * sin2 -
    2 * MASS * LENGTH * CENTER * omega2 * omega1 * sin2 +
    (MASS * CENTER + MASS * LENGTH) * GRAVITY * Math.cos(theta1 - Math.PI / 2) +
    phi2;
  const inner = torque + (d2 / d1) * phi1;
  const drive = nips ? inner - phi2 : inner - MASS * LENGTH * CENTER * (omega1 * omega1) * sin2 - phi2;
  const acceleration2 = drive / (MASS * CENTER ** 2 + INERTIA - (d2 * d2) / d1);
  return [omega1, omega2, -(d2 * acceleration2 + phi1) / d1, acceleration2];
}

/** One step of length `dt` of the classical fourth-order Runge-Kutta method. */
function integrate(state: State, torque: number, dt: number, nips: boolean): State {
  const move = (by: number, slope: State) => state.map((x, i) => x + by * (slope[i] as number)) as unknown as State;
  const k1 = derivative(state, torque, nips);
  const k2 = derivative(move(dt / 2, k1), torque, nips);
  const k3 = derivative(move(dt / 2, k2), torque, nips);
  const k4 = derivative(move(dt, k3), torque, nips);
  const at = (k: State, i: number) => k[i] as number;
  return move(dt / 6, k1.map((k, i) => k + 2 * at(k2, i) + 2 * at(k3, i) + at(k4, i)) as unknown as State);
}

/** Where turn by turn would take too long; no start within reason comes near it. */
const FAR = 1e5;

/** `angle` in [−π, π], by whole turns one after the other: a modulo would round otherwise. */
function wrap(angle: number): number {
  let wrapped = Math.abs(angle) < FAR ? angle : angle % (2 * Math.PI);
  while (wrapped > Math.PI) wrapped -= 2 * Math.PI;
  while (wrapped < -Math.PI) wrapped += 2 * Math.PI;
  return wrapped;
}

function clip(x: number, limit: number): number {
  return Math.min(Math.max(x, -limit), limit);
}

function observe(
  [theta1, theta2, omega1, omega2]: State,
  cos: (x: number) => number,
  sin: (x: number) => number,
): Float32Array {
  return Float32Array.of(cos(theta1), sin(theta1), cos(theta2), sin(theta2), omega1, omega2);
}

class Acrobot implements Env {
  readonly spec = SPEC;
  readonly observationSpace = OBSERVATION_SPACE;
  readonly actionSpace = ACTION_SPACE;
  readonly #kwargs: Kwargs<typeof KWARGS>;
  #rng = Pcg64.fromEntropy();
  #state: State = [0, 0, 0, 0];

  constructor(kwargs: Kwargs<typeof KWARGS>) {
    this.#kwargs = kwargs;
  }

  /** Options `low` and `high`: bounds of the uniform start of all four numbers. */
  reset({ seed, options }: ResetOptions = {}): ResetResult {
    const { low, high } = resetBounds(SPEC.id, options, RESET_BOUNDS);
    this.#rng = reseeded(this.#rng, seed);
    this.#state = [...Float32Array.from(this.#rng.uniformArray(low, high, 4))] as unknown as State;
    // numpy computes in the dtype it is given: here alone its float32 sine and cosine.
    return { observation: observe(this.#state, cosFloat32, sinFloat32), info: {} };
  }

  step(action: Value): StepResult {
    const torque = discreteAction(SPEC.id, ACTION_SPACE, action) - 1;
    const { dt, book_or_nips } = this.#kwargs;
    const [theta1, theta2, omega1, omega2] = integrate(this.#state, torque, dt, book_or_nips === 'nips');
    this.#state = [wrap(theta1), wrap(theta2), clip(omega1, MAX_SPEED[0]), clip(omega2, MAX_SPEED[1])];
    const terminated = -Math.cos(this.#state[0]) - Math.cos(this.#state[1] + this.#state[0]) > 1;
    const observation = observe(this.#state, Math.cos, Math.sin);
    return { observation, reward: terminated ? 0 : -1, terminated, truncated: false, info: {} };
  }

  getState(): Tensors {
    return { ...nest('rng', this.#rng.getState()), state: vector(Float64Array.from(this.#state)) };
  }

  setState(state: Tensors): void {
    const restored = takeVector(state, 'state', Float64Array, 4);
    this.#rng = Pcg64.fromState(under('rng', state));
    this.#state = [...restored] as unknown as State;
  }

  render(options?: RenderOptions): Image {
    return drawn(SPEC.id, ACROBOT, { theta1: this.#state[0], theta2: this.#state[1] }, options);
  }

  close(): void {}

  [Symbol.dispose](): void {}
}

export const acrobot: Registration = {
  spec: SPEC,
  make: async (kwargs) => new Acrobot(resolveKwargs(SPEC.id, KWARGS, kwargs)),
};
