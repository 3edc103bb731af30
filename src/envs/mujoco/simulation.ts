// One simulated world on MuJoCo's WASM module. With heap.ts and shared-models.ts the only file that sees the binding's loose types
// and its traps: detached views, manual deletion.
import type { MainModule, MjData, MjModel } from '@mujoco/mujoco';
import { deleteData, type Loaded, load, newData } from './heap.ts';
import type { World } from './scene.ts';
import { acquire, ownModel, release, type SharedModel } from './shared-models.ts';

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

/** What of a model perturbations change, as views for at once. `named` says which body, joint or actuator stands where. */
export interface EditableModel {
  /** kg [nbody] */
  readonly bodyMass: Float64Array;
  /** kg m² about the principal axes [nbody, 3] */
  readonly bodyInertia: Float64Array;
  /** N m s/rad or N s/m [nv] */
  readonly dofDamping: Float64Array;
  /** Dry friction, N m or N [nv] */
  readonly dofFrictionLoss: Float64Array;
  /** Parameters of the force for a unit of control, and of the force for none [nu, 10] */
  readonly actuatorGain: Float64Array;
  readonly actuatorBias: Float64Array;
  /** m/s² [3] */
  readonly gravity: Float64Array;
}

/** Parts of a model that have names. */
export type NamedKind = 'body' | 'joint' | 'actuator' | 'camera';

/** One simulated world: a shared model and its own state. Must be closed: nothing in the WASM heap is collected. */
export class Simulation {
  /** Seconds per physics step. */
  readonly timestep: number;
  /** Sizes of qpos, qvel and ctrl, and of the snapshot. */
  readonly nq: number;
  readonly nv: number;
  readonly nu: number;
  readonly stateSize: number;
  readonly #loaded: Loaded;
  readonly #module: MainModule;
  readonly #mjcf: string;
  #shared: SharedModel;
  #model: MjModel;
  #data: MjData;
  /** Arrays of `#data` as they were last looked up. */
  #views: { [name in 'qpos' | 'qvel' | Computed]?: Float64Array } = {};
  readonly #snapshot: number;
  /** Asked for in every step: a lookup in the module copies the name into its heap. */
  readonly #bodyIds = new Map<string, number>();
  /** What perturbations write into the model, which is then this simulation's own; with what it was compiled with. */
  readonly #edits: ((model: EditableModel) => void)[] = [];
  #unedited: EditableModel | null = null;
  #isEditDue = false;
  #closed = false;

  private constructor(loaded: Loaded, mjcf: string) {
    const { module } = loaded;
    this.#loaded = loaded;
    this.#module = module;
    this.#mjcf = mjcf;
    this.#shared = acquire(loaded, mjcf);
    this.#model = this.#shared.model;
    try {
      this.#data = newData(loaded, this.#model);
    } catch (error) {
      release(mjcf, this.#shared);
      throw error;
    }
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
    return new Simulation(await load(), mjcf);
  }

  // When another environment makes the heap grow, every older view is detached: reading it gives nothing, and writing to it
  // is lost. It has no elements then, by which it is told and looked up again. A lookup costs 0.2 to 0.5 µs, this next to nothing.
  #view(name: 'qpos' | 'qvel' | Computed): Float64Array {
    const known = this.#views[name];
    if (known !== undefined && known.length > 0) return known;
    const view: Float64Array = this.#data[name];
    this.#views[name] = view;
    return view;
  }

  /** Generalised positions [nq]: a view for at once, never to be kept. */
  get qpos(): Float64Array {
    return this.#view('qpos');
  }

  /** Generalised velocities [nv]: a view for at once, never to be kept. */
  get qvel(): Float64Array {
    return this.#view('qvel');
  }

  /** mjData's array `name` in C order: a view for at once, never to be kept. */
  computed(name: Computed): Float64Array {
    return this.#view(name);
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

  /**
   * Reads where everything stands, for at once. It is posed from the positions in a second mjData, so that looking
   * changes nothing that a step reads, and a restored state looks as it did. Throws `capacity_reached` where memory ran out.
   */
  view<T>(read: (world: World) => T): T {
    const model = this.#model;
    this.#shared.stage ??= newData(this.#loaded, model);
    const data = this.#shared.stage;
    data.qpos.set(this.#data.qpos);
    this.#module.mj_kinematics(model, data);
    this.#module.mj_comPos(model, data);
    this.#module.mj_camlight(model, data);
    const { geom_xpos, geom_xmat, cam_xpos, cam_xmat, xpos } = data;
    const { geom_type, geom_group, geom_size, geom_rgba, cam_fovy } = model;
    return read({
      model: { geom_type, geom_group, geom_size, geom_rgba, cam_fovy },
      data: { geom_xpos, geom_xmat, cam_xpos, cam_xmat, xpos },
    });
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

  /**
   * From now on `edit` writes into the model, after the edits before it, on top of what was compiled: when a reset or a
   * restored state follows a call of the function returned. Other simulations do not see it: the model is copied first.
   * Throws `capacity_reached` where memory ran out.
   */
  addEdit(edit: (model: EditableModel) => void): () => void {
    if (this.#unedited === null) {
      this.#takeOwnModel();
      // Array by array: a structured clone of a view copies the whole heap.
      this.#unedited = this.#editable(copyOf);
    }
    this.#edits.push(edit);
    return () => {
      this.#isEditDue = true;
    };
  }

  /** Names of the bodies, joints, actuators or cameras by number; '' where one has none. */
  names(kind: NamedKind): readonly string[] {
    const model = this.#model;
    const { mjOBJ_BODY, mjOBJ_JOINT, mjOBJ_ACTUATOR, mjOBJ_CAMERA } = this.#module.mjtObj;
    const type = { body: mjOBJ_BODY, joint: mjOBJ_JOINT, actuator: mjOBJ_ACTUATOR, camera: mjOBJ_CAMERA }[kind].value;
    const count = { body: model.nbody, joint: model.njnt, actuator: model.nu, camera: model.ncam }[kind];
    return Array.from({ length: count }, (_, id) => {
      // Of an unnamed one the binding returns whatever stands in memory.
      const name = this.#module.mj_id2name(model, type, id);
      return this.#module.mj_name2id(model, type, name) === id ? name : '';
    });
  }

  /** The degrees of freedom that a joint has. */
  dofsOf(joint: number): number[] {
    const addresses = this.#model.jnt_dofadr as Int32Array;
    const start = addresses[joint] as number;
    return Array.from({ length: (addresses[joint + 1] ?? this.nv) - start }, (_, i) => start + i);
  }

  /** The joints that actuators move. */
  actuatedJoints(): number[] {
    const { actuator_trntype: types, actuator_trnid: ids } = this.#model;
    const joint = this.#module.mjtTrn.mjTRN_JOINT.value;
    return Array.from({ length: this.nu }, (_, i) => i)
      .filter((i) => types[i] === joint)
      .map((i) => ids[2 * i] as number);
  }

  /** Runs `steps` while a force in N along the world's axes acts on a body at its centre of mass, beside other forces. */
  pushed<T>(body: number, force: ArrayLike<number>, steps: () => T): T {
    const start = 6 * body;
    const before = this.#data.xfrc_applied.slice(start, start + 3);
    this.#data.xfrc_applied.set(
      before.map((x: number, axis: number) => x + (force[axis] as number)),
      start,
    );
    try {
      return steps();
    } finally {
      this.#data.xfrc_applied.set(before, start);
    }
  }

  /** A model that no other simulation has. */
  #takeOwnModel(): void {
    const own = { ...ownModel(this.#loaded, this.#mjcf), users: 1 };
    let data: MjData;
    try {
      data = newData(this.#loaded, own.model);
    } catch (error) {
      release(this.#mjcf, own);
      throw error;
    }
    deleteData(this.#data);
    release(this.#mjcf, this.#shared);
    [this.#shared, this.#model, this.#data] = [own, own.model, data];
    this.#views = {};
  }

  #editable<T>(use: (model: EditableModel) => T): T {
    const model = this.#model;
    const option = model.opt;
    try {
      return use({
        bodyMass: model.body_mass,
        bodyInertia: model.body_inertia,
        dofDamping: model.dof_damping,
        dofFrictionLoss: model.dof_frictionloss,
        actuatorGain: model.actuator_gainprm,
        actuatorBias: model.actuator_biasprm,
        gravity: option.gravity,
      });
    } finally {
      option.delete();
    }
  }

  /** Writes the edits that are due, and what follows from them into the model. Disturbs the state: one is set after it. */
  #edit(): void {
    if (!this.#isEditDue || this.#unedited === null) return;
    const unedited = this.#unedited;
    this.#editable((model) => {
      for (const name of Object.keys(unedited) as (keyof EditableModel)[]) model[name].set(unedited[name]);
      for (const edit of this.#edits) edit(model);
    });
    this.#module.mj_setConst(this.#model, this.#data);
    this.#isEditDue = false;
  }

  /** Back to the model's start: time, controls, forces and warm start are cleared. */
  reset(): void {
    this.#edit();
    this.#module.mj_resetData(this.#model, this.#data);
  }

  /** Computes everything that follows from positions and velocities. */
  forward(): void {
    this.#module.mj_forward(this.#model, this.#data);
  }

  /** `frames` physics steps under one control. MuJoCo clamps controls to their range. */
  step(control: Float32Array, frames: number): void {
    this.#view('ctrl').set(control);
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
    this.#edit();
    this.#module.mj_setState(this.#model, this.#data, state as unknown as number[], this.#snapshot);
  }

  /** Frees the state, and the model with its last user. Closing twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#views = {};
    deleteData(this.#data);
    release(this.#mjcf, this.#shared);
  }
}

/** Copies of its arrays. */
function copyOf(model: EditableModel): EditableModel {
  const arrays = Object.entries(model).map(([name, values]: [string, Float64Array]) => [name, values.slice()]);
  return Object.fromEntries(arrays) as EditableModel;
}
