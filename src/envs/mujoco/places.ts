// Places and distances, as observations, rewards and infos of several environments tell them.
import type { Simulation } from './simulation.ts';

/** x and y of the root in m, and its distance from the origin along the ground. */
export function horizontalPlace({ qpos }: Simulation) {
  const [x, y] = qpos as unknown as [number, number];
  return { x_position: x, y_position: y, distance_from_origin: Math.sqrt(x * x + y * y) };
}

/** The Euclidean norm as numpy.linalg.norm computes it: no scaling against overflow. */
export function norm(vector: readonly number[]): number {
  return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
}

/** The origin of the frame of `body`, in m. */
export function placeOf(simulation: Simulation, body: string): [number, number, number] {
  const start = 3 * simulation.bodyId(body);
  return Array.from(simulation.computed('xpos').subarray(start, start + 3)) as [number, number, number];
}

/** From body `from` to body `to`, in m. */
export function displacement(simulation: Simulation, from: string, to: string): [number, number, number] {
  const [x, y, z] = placeOf(simulation, from);
  const [toX, toY, toZ] = placeOf(simulation, to);
  return [toX - x, toY - y, toZ - z];
}
