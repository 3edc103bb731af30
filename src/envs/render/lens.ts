// How a picture's plane looks into the world: in perspective as an eye, or in parallel as the light of a far lamp.
import { add, cross, dot, unit, type Vector } from './vectors.ts';

/**
 * Through the point (a, b) of the picture, each in [−1, 1] with b upwards, goes the ray
 * position + t · forward + (t if perspective, else 1) · (a · halfWidth · right + b · halfHeight · up),
 * whose t is the depth: the distance along `forward`.
 */
export interface Lens {
  readonly parallel: boolean;
  readonly position: Vector;
  /** Three unit vectors, perpendicular to each other. */
  readonly forward: Vector;
  readonly right: Vector;
  readonly up: Vector;
  /** Tangents of half the angles of view; of a parallel lens, metres. */
  readonly halfWidth: number;
  readonly halfHeight: number;
}

/** Half the picture's extents where its height spans `fovy` degrees. */
export function extents(fovy: number, { width, height }: { readonly width: number; readonly height: number }) {
  const halfHeight = Math.tan((fovy * Math.PI) / 360);
  return { halfHeight, halfWidth: (halfHeight * width) / height };
}

/** Axes of a camera that looks as MuJoCo's free camera does; angles in degrees. */
export function axesOf(azimuth: number, elevation: number): Pick<Lens, 'forward' | 'right' | 'up'> {
  const [az, el] = [(azimuth * Math.PI) / 180, (elevation * Math.PI) / 180];
  const forward: Vector = [Math.cos(el) * Math.cos(az), Math.cos(el) * Math.sin(az), Math.sin(el)];
  const right: Vector = [Math.sin(az), -Math.cos(az), 0];
  return { forward, right, up: cross(right, forward) };
}

/** A lamp in direction `towards` whose light covers a ball. */
export function lampOver(towards: Vector, center: Vector, radius: number): Lens {
  const forward = unit([-towards[0], -towards[1], -towards[2]]);
  const right = unit(cross(forward, [0.31, 0.95, 0.05]));
  const position = add(center, forward, -2 * radius);
  return { parallel: true, position, forward, right, up: cross(right, forward), halfWidth: radius, halfHeight: radius };
}

/** Where `point` is seen: a and b as above, and its depth. What is behind an eye has no place. */
export function project(lens: Lens, point: Vector): { readonly a: number; readonly b: number; readonly depth: number } {
  const from = add(point, lens.position, -1);
  const depth = dot(from, lens.forward);
  const scale = lens.parallel ? 1 : depth;
  return {
    a: dot(from, lens.right) / (scale * lens.halfWidth),
    b: dot(from, lens.up) / (scale * lens.halfHeight),
    depth,
  };
}
