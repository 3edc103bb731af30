// The few operations on vectors that a picture needs outside its inner loops.

export type Vector = readonly [x: number, y: number, z: number];

export const add = (a: Vector, b: Vector, by = 1): Vector => [a[0] + by * b[0], a[1] + by * b[1], a[2] + by * b[2]];
export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
export const unit = (a: Vector): Vector => {
  const length = Math.sqrt(dot(a, a));
  return [a[0] / length, a[1] / length, a[2] / length];
};
/** Column `column` of a 3×3 matrix in C order: an axis of its frame. */
export const axis = (matrix: ArrayLike<number>, column: number): Vector => [
  matrix[column] as number,
  matrix[column + 3] as number,
  matrix[column + 6] as number,
];
