// MuJoCo's WASM module and its traps, in one place: loading, sharing of compiled models, detached views, manual deletion.
// The only file that sees the binding's loose types.
import loadMujoco, { type MainModule, type MjData, type MjModel } from '@mujoco/mujoco';
import { DomainError } from '../../errors.ts';

let loading: Promise<MainModule> | undefined;

/** The module, loaded once per thread (170 ms). */
function loadModule(): Promise<MainModule> {
  loading ??= loadMujoco().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** A compiled model, shared by every simulation of the same MJCF in this thread: MuJoCo never writes to it in a step. */
interface SharedModel {
  readonly model: MjModel;
  users: number;
}

const compiled = new Map<string, SharedModel>();

/** WASM objects alive in this thread; leak tests read it. */
export const live = { models: 0, data: 0 };

function acquire(module: MainModule, mjcf: string): SharedModel {
  let shared = compiled.get(mjcf);
  if (shared === undefined) {
    shared = { model: module.MjModel.from_xml_string(mjcf), users: 0 };
    compiled.set(mjcf, shared);
    live.models += 1;
  }
  shared.users += 1;
  return shared;
}

function release(mjcf: string, shared: SharedModel): void {
  shared.users -= 1;
  if (shared.users > 0) return;
  compiled.delete(mjcf);
  shared.model.delete();
  live.models -= 1;
}

/** Arrays of mjData that follow from the state; their shapes stand in MuJoCo's mjdata.h. */
type Computed =
  | 'cfrc_ext'
  | 'cinert'
  | 'ctrl'
  | 'cvel'
  | 'qfrc_actuator'
  | 'qfrc_constraint'
  | 'site_xpos'
  | 'ten_length'
  | 'ten_velocity'
  | 'xipos'
  | 'xpos';

/** One simulated world: a shared model and its own state. Must be closed: nothing in the WASM heap is collected. */
export class Simulation {
  /** Seconds per physics step. */
  readonly timestep: number;
  /** Sizes of qpos, qvel and ctrl, and of the snapshot. */
  readonly nq: number;
  readonly nv: number;
  readonly nu: number;
  readonly stateSize: number;
  readonly #module: MainModule;
  readonly #mjcf: string;
  readonly #shared: SharedModel;
  readonly #model: MjModel;
  readonly #data: MjData;
  readonly #snapshot: number;
  /** Asked for in every step: a lookup in the module copies the name into its heap. */
  readonly #bodyIds = new Map<string, number>();
  #closed = false;

  private constructor(module: MainModule, mjcf: string) {
    this.#module = module;
    this.#mjcf = mjcf;
    this.#shared = acquire(module, mjcf);
    this.#model = this.#shared.model;
    try {
      this.#data = new module.MjData(this.#model);
    } catch (error) {
      release(mjcf, this.#shared);
      // The heap ends at 2 GiB; the module survives running out.
      throw new DomainError(
        'capacity_reached',
        'MuJoCo has no memory left for another environment in this worker; close some.',
        { cause: error },
      );
    }
    live.data += 1;
    const option = this.#model.opt;
    this.timestep = option.timestep;
    option.delete();
    this.nq = this.#model.nq;
    this.nv = this.#model.nv;
    this.nu = this.#model.nu;
    this.#snapshot = module.mjtState.mjSTATE_INTEGRATION.value;
    this.stateSize = module.mj_stateSize(this.#model, this.#snapshot);
  }

  /** Compiles `mjcf`, unless another simulation in this thread has. Throws `capacity_reached` where memory ran out. */
  static async create(mjcf: string): Promise<Simulation> {
    return new Simulation(await loadModule(), mjcf);
  }

  // The views are read anew at each use: when another environment makes the heap grow, every older view is detached,
  // and reading it gives nothing while writing to it is lost. A getter costs 0.2 µs.

  /** Generalised positions [nq]: a view for at once, never to be kept. */
  get qpos(): Float64Array {
    return this.#data.qpos;
  }

  /** Generalised velocities [nv]: a view for at once, never to be kept. */
  get qvel(): Float64Array {
    return this.#data.qvel;
  }

  /** mjData's array `name` in C order: a view for at once, never to be kept. */
  computed(name: Computed): Float64Array {
    return this.#data[name];
  }

  /** Masses of the bodies in kg [nbody], the world's first: a view for at once, never to be kept. */
  get bodyMass(): Float64Array {
    return this.#model.body_mass;
  }

  /** The number of the body called `name`. Throws a `RangeError` where there is none. */
  bodyId(name: string): number {
    const known = this.#bodyIds.get(name);
    if (known !== undefined) return known;
    const id = this.#module.mj_name2id(this.#model, this.#module.mjtObj.mjOBJ_BODY.value, name);
    if (id < 0) throw new RangeError(`The model has no body "${name}".`);
    this.#bodyIds.set(name, id);
    return id;
  }

  /** The compiled model's array called `name`, copied; tests compare it with Gymnasium's. */
  modelArray(name: keyof MjModel): number[] {
    return Array.from(this.#model[name] as ArrayLike<number>);
  }

  /** The compiled model's option called `name`. */
  modelOption(name: string): number | number[] {
    const option = this.#model.opt;
    const value: unknown = Reflect.get(option, name);
    const plain = typeof value === 'number' ? value : Array.from(value as ArrayLike<number>);
    option.delete();
    return plain;
  }

  /** Back to the model's start: time, controls, forces and warm start are cleared. */
  reset(): void {
    this.#module.mj_resetData(this.#model, this.#data);
  }

  /** Computes everything that follows from positions and velocities. */
  forward(): void {
    this.#module.mj_forward(this.#model, this.#data);
  }

  /** `frames` physics steps under one control. MuJoCo clamps controls to their range. */
  step(control: Float32Array, frames: number): void {
    this.#data.ctrl.set(control);
    for (let frame = 0; frame < frames; frame++) this.#module.mj_step(this.#model, this.#data);
  }

  /** Computes cfrc_ext, the forces from outside on each body, which MuJoCo leaves out of its steps. */
  computeExternalForces(): void {
    this.#module.mj_rnePostConstraint(this.#model, this.#data);
  }

  /** mjSTATE_INTEGRATION [stateSize]: all that the next physics step reads. */
  getState(): Float64Array {
    // The binding writes into its own buffer type only.
    const buffer = new this.#module.DoubleBuffer(this.stateSize);
    try {
      this.#module.mj_getState(this.#model, this.#data, buffer, this.#snapshot);
      return Float64Array.from(buffer.GetView() as Float64Array);
    } finally {
      buffer.delete();
    }
  }

  /** Restores a `getState`. What follows from it is computed by the next step. */
  setState(state: Float64Array): void {
    this.#module.mj_setState(this.#model, this.#data, state as unknown as number[], this.#snapshot);
  }

  /** Frees the state, and the model with its last user. Closing twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#data.delete();
    live.data -= 1;
    release(this.#mjcf, this.#shared);
  }
}
