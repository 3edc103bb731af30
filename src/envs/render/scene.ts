// What is to be seen, as plain records. Knows nothing of MuJoCo.
import type { Color } from './image.ts';
import type { Shape } from './shapes.ts';
import type { Vector } from './vectors.ts';

/** A body of one of the shapes, at its place. */
export interface Geom {
  readonly shape: Shape;
  /** m; what the numbers mean is the shape's. */
  readonly size: Vector;
  readonly position: Vector;
  /** The shape's axes as columns [3, 3], in C order. */
  readonly rotation: ArrayLike<number>;
  readonly color: Color;
}

export interface Scene {
  readonly geoms: readonly Geom[];
  /** Side of a field of the checkered floor, in m. */
  readonly fieldSize: number;
  /** m, over which things fade into the haze. */
  readonly sight: number;
}
