// What all MuJoCo environments share, as gymnasium/envs/mujoco/mujoco_env.py does: seeding, checking, snapshots, closing.
// What sets one apart (start, observation, reward, termination) is its `MujocoTask`.
import { DomainError } from '../../errors.ts';
import { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, EnvSpec, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { numericOptions } from '../reset-options.ts';
import { reseeded } from '../seeding.ts';
import type { Box } from '../spaces/box.ts';
import type { Value } from '../spaces/space.ts';
import { pictureOf } from './picture.ts';
import { Simulation } from './simulation.ts';
import { viewOf } from './views.ts';

export interface MujocoTask {
  readonly spec: EnvSpec;
  readonly mjcf: string;
  readonly observationSpace: Box;
  readonly actionSpace: Box;
  /**
   * What `step` reads beside the physics; the task writes it in `begin` and `step`, and snapshots hold it. With the
   * Runge–Kutta integrator MuJoCo leaves the bodies where the last stage had them, which does not follow from the state:
   * a velocity measured between such places needs the last one remembered.
   */
  readonly memory?: Float64Array;
  /** Draws a start into the simulation, which stands at the model's start. `forward` is called after it. */
  start(simulation: Simulation, rng: Pcg64): void;
  /** A fresh observation of the simulation, and what reset says beside it. */
  begin(simulation: Simulation): ResetResult;
  /** Moves the simulation and judges the move. */
  step(simulation: Simulation, action: Float32Array): StepResult;
}

export class MujocoEnv implements Env {
  readonly #task: MujocoTask;
  readonly #simulation: Simulation;
  #rng = Pcg64.fromEntropy();

  private constructor(task: MujocoTask, simulation: Simulation) {
    this.#task = task;
    this.#simulation = simulation;
  }

  /** Throws `capacity_reached` where MuJoCo's memory ran out. */
  static async create(task: MujocoTask): Promise<MujocoEnv> {
    return new MujocoEnv(task, await Simulation.create(task.mjcf));
  }

  get spec() {
    return this.#task.spec;
  }

  /** For perturbations, which change its model. */
  get simulation(): Simulation {
    return this.#simulation;
  }

  get observationSpace() {
    return this.#task.observationSpace;
  }

  get actionSpace() {
    return this.#task.actionSpace;
  }

  reset({ seed, options }: ResetOptions = {}): ResetResult {
    numericOptions(this.spec.id, options, {});
    this.#rng = reseeded(this.#rng, seed);
    this.#simulation.reset();
    this.#task.start(this.#simulation, this.#rng);
    this.#simulation.forward();
    return this.#task.begin(this.#simulation);
  }

  step(action: Value): StepResult {
    if (!(action instanceof Float32Array) || action.length !== this.#simulation.nu) {
      throw new DomainError(
        'action_out_of_space',
        `${this.spec.id} steps with a Float32Array of ${this.#simulation.nu} controls.`,
      );
    }
    return this.#task.step(this.#simulation, action);
  }

  getState(): Tensors {
    const { memory } = this.#task;
    return {
      ...nest('rng', this.#rng.getState()),
      physics: vector(this.#simulation.getState()),
      ...(memory && { memory: vector(memory.slice()) }),
    };
  }

  setState(state: Tensors): void {
    const take = (name: string, length: number) => {
      const vector = takeVector(state, name, Float64Array, length);
      if (!vector.every(Number.isFinite)) throw new RangeError(`Tensor "${name}" has elements that are not finite.`);
      return vector;
    };
    const { memory } = this.#task;
    const physics = take('physics', this.#simulation.stateSize);
    const remembered = memory && take('memory', memory.length);
    this.#rng = Pcg64.fromState(under('rng', state));
    if (remembered) memory.set(remembered);
    this.#simulation.setState(physics);
  }

  render(options: RenderOptions = {}): Image {
    return pictureOf(this.spec.id, this.#simulation, viewOf(this.spec.id), options);
  }

  close(): void {
    this.#simulation.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
