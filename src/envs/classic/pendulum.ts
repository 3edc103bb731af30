// Pendulum-v1: swing a pendulum up and hold it there with a weak motor. Equations and constants are those of
// gymnasium/envs/classic_control/pendulum.py (1.4.0); the number types are numpy 2's, which decide the last bits:
// the state is float64, the torque float32, and a product of the torque with a plain number is rounded to float32.
import { DomainError } from '../../errors.ts';
import { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, EnvSpec, ResetOptions, ResetResult, StepResult } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { drawn } from '../render/drawing.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { numericOptions } from '../reset-options.ts';
import { reseeded } from '../seeding.ts';
import { Box } from '../spaces/box.ts';
import type { Value } from '../spaces/space.ts';
import { PENDULUM } from './drawings.ts';

/** rad/s */
const MAX_SPEED = 8;
/** N m */
const MAX_TORQUE = 2;
/** Seconds per step. */
const DT = 0.05;
/** Half widths of the uniform start: angle in rad, angular velocity in rad/s. */
const RESET_BOUNDS = { x_init: Math.PI, y_init: 1 };

const KWARGS = {
  g: { type: 'number', default: 10, description: 'Acceleration of gravity, g, in m/s².' },
} as const satisfies KwargSchemas;

const OBSERVATION_SPACE = new Box({ low: [-1, -1, -MAX_SPEED], high: [1, 1, MAX_SPEED], shape: [3], dtype: 'float32' });
const ACTION_SPACE = new Box({ low: -MAX_TORQUE, high: MAX_TORQUE, shape: [1], dtype: 'float32' });

const SPEC: EnvSpec = {
  id: 'Pendulum-v1',
  summary: 'Swing a pendulum up and hold it upright with a torque too weak to lift it at once.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 200,
  rewardThreshold: null,
  kwargsSchema: kwargsSchema(KWARGS),
};

/** `angle` in [−π, π), with the sign rule of Python's modulo. */
function normalizeAngle(angle: number): number {
  const turn = 2 * Math.PI;
  const rest = (angle + Math.PI) % turn;
  return (rest < 0 ? rest + turn : rest) - Math.PI;
}

function clip(x: number, limit: number): number {
  return Math.min(Math.max(x, -limit), limit);
}

class Pendulum implements Env {
  readonly spec = SPEC;
  readonly observationSpace = OBSERVATION_SPACE;
  readonly actionSpace = ACTION_SPACE;
  readonly #gravity: number;
  #rng = Pcg64.fromEntropy();
  /** θ in rad, 0 upright, and its velocity in rad/s. */
  #theta = 0;
  #velocity = 0;

  constructor({ g }: Kwargs<typeof KWARGS>) {
    this.#gravity = g;
  }

  /** Options `x_init` and `y_init`: half widths of the uniform start of angle and velocity. */
  reset({ seed, options }: ResetOptions = {}): ResetResult {
    const { x_init, y_init } = numericOptions(SPEC.id, options, RESET_BOUNDS);
    if (x_init < 0 || y_init < 0) {
      throw new DomainError(
        'invalid_request',
        `Reset options x_init and y_init are half widths and not negative; got ${x_init} and ${y_init}.`,
      );
    }
    this.#rng = reseeded(this.#rng, seed);
    this.#theta = this.#rng.uniform(-x_init, x_init);
    this.#velocity = this.#rng.uniform(-y_init, y_init);
    return { observation: this.#observe(), info: {} };
  }

  /** Torques beyond ±2 N m are clipped, as in Gymnasium. */
  step(action: Value): StepResult {
    if (!(action instanceof Float32Array) || action.length !== 1) {
      throw new DomainError('action_out_of_space', `${SPEC.id} steps with a Float32Array of 1 torque.`);
    }
    const torque = clip(action[0] as number, MAX_TORQUE);
    const torqueCost = Math.fround(Math.fround(0.001) * Math.fround(torque * torque));
    const cost = normalizeAngle(this.#theta) ** 2 + 0.1 * this.#velocity ** 2 + torqueCost;

    const acceleration = ((3 * this.#gravity) / 2) * Math.sin(this.#theta) + Math.fround(3 * torque);
    this.#velocity = clip(this.#velocity + acceleration * DT, MAX_SPEED);
    this.#theta += this.#velocity * DT;
    return { observation: this.#observe(), reward: -cost, terminated: false, truncated: false, info: {} };
  }

  getState(): Tensors {
    return { ...nest('rng', this.#rng.getState()), state: vector(Float64Array.of(this.#theta, this.#velocity)) };
  }

  setState(state: Tensors): void {
    const [theta, velocity] = takeVector(state, 'state', Float64Array, 2);
    this.#rng = Pcg64.fromState(under('rng', state));
    this.#theta = theta as number;
    this.#velocity = velocity as number;
  }

  render(options?: RenderOptions): Image {
    return drawn(SPEC.id, PENDULUM, this.#theta, options);
  }

  close(): void {}

  [Symbol.dispose](): void {}

  #observe(): Float32Array {
    return Float32Array.of(Math.cos(this.#theta), Math.sin(this.#theta), this.#velocity);
  }
}

export const pendulum: Registration = {
  spec: SPEC,
  make: async (kwargs) => new Pendulum(resolveKwargs(SPEC.id, KWARGS, kwargs)),
};
