// MuJoCo's WASM module in this thread, and what its heap has room for. Nothing in there is collected: what is made must be deleted.
import loadMujoco, { type DoubleBuffer, type MainModule, type MjData, type MjModel } from '@mujoco/mujoco';
import { DomainError } from '../../errors.ts';

/** Bytes at which the heap ends, as the module was built. */
const HEAP_END = 2 ** 31;

/**
 * Bytes of the heap that are left free whatever is made. MuJoCo's compiler of models takes some of them for a while, 4 to
 * 8 MiB for a humanoid; where it asks in vain, C++ may lack the memory to say so, and aborts the whole module. Snapshots and
 * the like live on them too.
 */
const RESERVE = 2 ** 24;

/** Bytes that are looked for at first, since looking clears them (10 ms) and should not be done for each environment. */
const AHEAD = 4 * RESERVE;

/** Bytes of an mjModel or mjData beside its buffers, rounded up. */
const OVERHEAD = 2 ** 18;

export interface Loaded {
  readonly module: MainModule;
  /** Something in the heap whose view shows how large that is. */
  readonly witness: DoubleBuffer;
  /** Bytes that may be taken before the next look at what is free; of use once the heap cannot grow any more. */
  allowance: number;
}

let loading: Promise<Loaded> | undefined;

/** The module, loaded once per thread (170 ms). */
export function load(): Promise<Loaded> {
  loading ??= loadMujoco()
    .then((module) => ({ module, witness: new module.DoubleBuffer(1), allowance: 0 }))
    .catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
  return loading;
}

/** WASM objects alive in this thread; leak tests read it. */
export const live = { models: 0, data: 0 };

/** A model compiled from `mjcf`. Throws `capacity_reached` where memory ran out. */
export function newModel(loaded: Loaded, mjcf: string): MjModel {
  const model = leavingRoom(loaded, loaded.module.MjModel.from_xml_string(mjcf));
  live.models += 1;
  return model;
}

export function deleteModel(model: MjModel): void {
  model.delete();
  live.models -= 1;
}

/** Throws `capacity_reached` where memory ran out. */
export function newData(loaded: Loaded, model: MjModel): MjData {
  const data = leavingRoom(loaded, new loaded.module.MjData(model));
  live.data += 1;
  return data;
}

export function deleteData(data: MjData): void {
  data.delete();
  live.data -= 1;
}

/**
 * `made`, unless less than the reserve is left. Looked at afterwards: what fits into the gap of an environment that was
 * closed leaves as much as there was.
 */
function leavingRoom<T extends MjModel | MjData>(loaded: Loaded, made: T): T {
  if (hasRoomAfter(loaded, made)) return made;
  made.delete();
  throw new DomainError(
    'capacity_reached',
    "MuJoCo's 2 GiB of memory in this worker are full; make fewer environments, delete some that it holds, or start the server with more --env-workers.",
  );
}

function hasRoomAfter(loaded: Loaded, made: MjModel | MjData): boolean {
  const heap = loaded.witness.GetView() as Float64Array;
  if (heap.buffer.byteLength + AHEAD <= HEAP_END) return true;
  loaded.allowance -= made.nbuffer + ('narena' in made ? made.narena : 0) + OVERHEAD;
  if (loaded.allowance >= 0) return true;
  const isFarFromFull = isFree(loaded, AHEAD);
  // Twice the reserve stays: what the compiler takes for a while may lie between what is made.
  loaded.allowance = isFarFromFull ? AHEAD - 2 * RESERVE : 0;
  return isFarFromFull || isFree(loaded, RESERVE);
}

/** Whether there is a free block of so many bytes. */
function isFree({ module }: Loaded, bytes: number): boolean {
  try {
    new module.DoubleBuffer(bytes / Float64Array.BYTES_PER_ELEMENT).delete();
    return true;
  } catch (error) {
    // std::bad_alloc, which would lie in the midst of the reserve for ever: what was thrown has no owner until one is counted.
    const { excPtr } = error as { readonly excPtr?: unknown };
    if (typeof excPtr !== 'number') throw error;
    const { incrementExceptionRefcount, decrementExceptionRefcount } = module as unknown as ExceptionHelpers;
    incrementExceptionRefcount(excPtr);
    decrementExceptionRefcount(excPtr);
    return false;
  }
}

/** What the binding's types leave out. */
interface ExceptionHelpers {
  incrementExceptionRefcount(exception: number): void;
  decrementExceptionRefcount(exception: number): void;
}
