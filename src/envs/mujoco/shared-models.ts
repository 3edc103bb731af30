// Compiled models by their MJCF, shared by the simulations of a thread and deleted with the last of them.
import type { MjData, MjModel } from '@mujoco/mujoco';
import { deleteData, deleteModel, type Loaded, newModel } from './heap.ts';

/** A compiled model, shared by every simulation of the same MJCF in this thread: MuJoCo never writes to it in a step. */
export interface SharedModel {
  readonly model: MjModel;
  users: number;
  /** Where pictures are posed; made with the first. */
  stage: MjData | null;
}

const compiled = new Map<string, SharedModel>();

export function acquire(loaded: Loaded, mjcf: string): SharedModel {
  const shared = compiled.get(mjcf) ?? ownModel(loaded, mjcf);
  compiled.set(mjcf, shared);
  shared.users += 1;
  return shared;
}

/** A model of `mjcf` that no other simulation is given; nobody uses it yet. Throws `capacity_reached` where memory ran out. */
export function ownModel(loaded: Loaded, mjcf: string): SharedModel {
  return { model: newModel(loaded, mjcf), users: 0, stage: null };
}

export function release(mjcf: string, shared: SharedModel): void {
  shared.users -= 1;
  if (shared.users > 0) return;
  if (compiled.get(mjcf) === shared) compiled.delete(mjcf);
  if (shared.stage !== null) deleteData(shared.stage);
  deleteModel(shared.model);
}
