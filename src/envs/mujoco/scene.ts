// What stands where in MuJoCo's arrays, as a scene that can be drawn. Meshes, height fields, sites and tendons are left out.
import type { Color } from '../render/image.ts';
import { axesOf, extents, type Lens } from '../render/lens.ts';
import type { Geom } from '../render/scene.ts';
import type { Shape } from '../render/shapes.ts';
import { add, axis, type Vector } from '../render/vectors.ts';

/** Arrays of mjModel and mjData, whose shapes stand in MuJoCo's mjmodel.h and mjdata.h. */
export interface World {
  readonly model: Readonly<
    Record<'geom_type' | 'geom_group' | 'geom_size' | 'geom_rgba' | 'cam_fovy', ArrayLike<number>>
  >;
  readonly data: Readonly<Record<'geom_xpos' | 'geom_xmat' | 'cam_xpos' | 'cam_xmat' | 'xpos', ArrayLike<number>>>;
}

/** By mjtGeom. */
const SHAPE_OF: Readonly<Record<number, Shape>> = {
  0: 'plane',
  2: 'sphere',
  3: 'capsule',
  4: 'ellipsoid',
  5: 'cylinder',
  6: 'box',
};
/** MuJoCo shows these groups unless told otherwise. */
const SHOWN_GROUPS = 3;
/** Degrees: the angle of view of MuJoCo's free camera. */
const FREE_FOVY = 45;

type Size = Parameters<typeof extents>[1];

const triple = (array: ArrayLike<number>, at: number): Vector => [
  array[3 * at] as number,
  array[3 * at + 1] as number,
  array[3 * at + 2] as number,
];
const matrix = (array: ArrayLike<number>, at: number): number[] =>
  Array.from({ length: 9 }, (_, i) => array[9 * at + i] as number);

export function geomsOf({ model, data }: World): Geom[] {
  return Array.from(model.geom_type).flatMap((type, i) => {
    const shape = SHAPE_OF[type];
    const [red, green, blue, alpha] = [0, 1, 2, 3].map((c) => model.geom_rgba[4 * i + c] as number);
    if (shape === undefined || alpha === 0 || (model.geom_group[i] as number) >= SHOWN_GROUPS) return [];
    return {
      shape,
      size: triple(model.geom_size, i),
      position: triple(data.geom_xpos, i),
      rotation: matrix(data.geom_xmat, i),
      color: [red, green, blue] as unknown as Color,
    };
  });
}

/** The model's camera with number `id`. */
export function cameraLens({ model, data }: World, id: number, size: Size): Lens {
  const axes = matrix(data.cam_xmat, id);
  const [x, y, z] = axis(axes, 2);
  return {
    parallel: false,
    position: triple(data.cam_xpos, id),
    // A camera looks along its −z.
    forward: [-x, -y, -z],
    right: axis(axes, 0),
    up: axis(axes, 1),
    ...extents(model.cam_fovy[id] as number, size),
  };
}

/** A camera that looks at `target` from `distance` m away; angles as MuJoCo's, in degrees. */
export function freeLens(
  { target, distance, azimuth, elevation }: { target: Vector; distance: number; azimuth: number; elevation: number },
  size: Size,
): Lens {
  const axes = axesOf(azimuth, elevation);
  return { parallel: false, position: add(target, axes.forward, -distance), ...axes, ...extents(FREE_FOVY, size) };
}

/** Where body `id` is. */
export function bodyPlace({ data }: World, id: number): Vector {
  return triple(data.xpos, id);
}
