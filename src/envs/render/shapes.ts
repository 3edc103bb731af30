// MuJoCo's geometric shapes as seen along a ray: where it enters one, and which way the surface faces there. Everything is
// in the shape's own frame, with MuJoCo's sizes. Numbers go one by one: an array per ray would cost more than the rest.
import type { Vector } from './vectors.ts';

export type Shape = 'plane' | 'sphere' | 'capsule' | 'ellipsoid' | 'cylinder' | 'box';

/** The least t at which o + t·d enters the shape of size (a, b, c) from outside; Infinity where it does not, or behind o. */
export type Hit = (
  ox: number,
  oy: number,
  oz: number,
  dx: number,
  dy: number,
  dz: number,
  a: number,
  b: number,
  c: number,
) => number;

export interface ShapeGeometry {
  readonly hit: Hit;
  /** Outward normal at a point of the surface, of any length. */
  readonly normal: (point: Vector, size: Vector) => Vector;
  /** Centres (z coordinates) and radius of balls whose hull holds the shape; null where it has no bounds. */
  readonly hull: ((size: Vector) => { readonly centers: readonly number[]; readonly radius: number }) | null;
}

/** Radii of an ellipsoid: the ray is squeezed until it is the unit ball. */
const hitEllipsoid: Hit = (ox, oy, oz, dx, dy, dz, a, b, c) => {
  return hitSphere(ox / a, oy / b, oz / c, dx / a, dy / b, dz / c, 1, 0, 0);
};

const hitSphere: Hit = (ox, oy, oz, dx, dy, dz, radius) => {
  const square = dx * dx + dy * dy + dz * dz;
  const half = ox * dx + oy * dy + oz * dz;
  const discriminant = half * half - square * (ox * ox + oy * oy + oz * oz - radius * radius);
  if (discriminant < 0) return Infinity;
  const t = (-half - Math.sqrt(discriminant)) / square;
  return t > 0 ? t : Infinity;
};

/** Of an endless tube along z. −Infinity where the ray runs inside along it, NaN where it misses. */
function enterTube(ox: number, oy: number, dx: number, dy: number, radius: number): number {
  const square = dx * dx + dy * dy;
  const outside = ox * ox + oy * oy - radius * radius;
  if (square < 1e-18) return outside > 0 ? Number.NaN : -Infinity;
  const half = ox * dx + oy * dy;
  return (-half - Math.sqrt(half * half - square * outside)) / square;
}

/** Radius, and half the length between the centres of the ends. */
const hitCapsule: Hit = (ox, oy, oz, dx, dy, dz, radius, half) => {
  const t = enterTube(ox, oy, dx, dy, radius);
  if (Number.isNaN(t)) return Infinity;
  const z = t === -Infinity ? (dz > 0 ? -Infinity : Infinity) : oz + t * dz;
  if (z > half) return hitSphere(ox, oy, oz - half, dx, dy, dz, radius, 0, 0);
  if (z < -half) return hitSphere(ox, oy, oz + half, dx, dy, dz, radius, 0, 0);
  return t > 0 ? t : Infinity;
};

/** Radius and half height. */
const hitCylinder: Hit = (ox, oy, oz, dx, dy, dz, radius, half) => {
  const side = enterTube(ox, oy, dx, dy, radius);
  if (Number.isNaN(side)) return Infinity;
  const z = side === -Infinity ? Infinity : oz + side * dz;
  if (z <= half && z >= -half) return side > 0 ? side : Infinity;
  const t = ((dz > 0 ? -half : half) - oz) / dz;
  const x = ox + t * dx;
  const y = oy + t * dy;
  return t > 0 && x * x + y * y <= radius * radius ? t : Infinity;
};

/** Half sides. */
const hitBox: Hit = (ox, oy, oz, dx, dy, dz, a, b, c) => {
  const x1 = (-a - ox) / dx;
  const x2 = (a - ox) / dx;
  const y1 = (-b - oy) / dy;
  const y2 = (b - oy) / dy;
  const z1 = (-c - oz) / dz;
  const z2 = (c - oz) / dz;
  const enter = Math.max(Math.min(x1, x2), Math.min(y1, y2), Math.min(z1, z2));
  const leave = Math.min(Math.max(x1, x2), Math.max(y1, y2), Math.max(z1, z2));
  return enter > 0 && enter <= leave ? enter : Infinity;
};

/** Half sides along x and y, 0 = endless; seen from above alone, as in MuJoCo. */
const hitPlane: Hit = (ox, oy, oz, dx, dy, dz, a, b) => {
  if (dz >= 0 || oz <= 0) return Infinity;
  const t = -oz / dz;
  const inside = (a <= 0 || Math.abs(ox + t * dx) <= a) && (b <= 0 || Math.abs(oy + t * dy) <= b);
  return inside ? t : Infinity;
};

const length = (...parts: number[]) => Math.sqrt(parts.reduce((sum, x) => sum + x * x, 0));

export const SHAPES: Readonly<Record<Shape, ShapeGeometry>> = {
  plane: { hit: hitPlane, normal: () => [0, 0, 1], hull: null },
  sphere: {
    hit: hitSphere,
    normal: (point) => point,
    hull: ([radius]) => ({ centers: [0], radius }),
  },
  capsule: {
    hit: hitCapsule,
    normal: ([x, y, z], [, half]) => [x, y, z - Math.min(Math.max(z, -half), half)],
    hull: ([radius, half]) => ({ centers: [-half, half], radius }),
  },
  ellipsoid: {
    hit: hitEllipsoid,
    normal: ([x, y, z], [a, b, c]) => [x / (a * a), y / (b * b), z / (c * c)],
    hull: (size) => ({ centers: [0], radius: Math.max(...size) }),
  },
  cylinder: {
    hit: hitCylinder,
    normal: ([x, y, z], [radius, half]) =>
      radius - length(x, y) < half - Math.abs(z) ? [x, y, 0] : [0, 0, Math.sign(z)],
    hull: ([radius, half]) => ({ centers: [0], radius: length(radius, half) }),
  },
  box: {
    hit: hitBox,
    normal: (point, size) => {
      const depths = point.map((x, i) => (size[i] as number) - Math.abs(x));
      const face = depths.indexOf(Math.min(...depths));
      return [0, 1, 2].map((i) => (i === face ? Math.sign(point[i] as number) : 0)) as unknown as Vector;
    },
    hull: (size) => ({ centers: [0], radius: length(...size) }),
  },
};
