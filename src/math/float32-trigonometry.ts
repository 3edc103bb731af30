// Sine and cosine of float32 numbers as numpy computes them on processors with fused multiply-adds, bit for bit: its own
// polynomials after Cody-Waite reduction (numpy/_core/src/umath/loops_trigonometric.dispatch), off by up to 1.5 units,
// where rounding the float64 result would differ in one case of seven.

/** Up to here numpy reduces by its own constants; beyond, it asks libm. */
const LIMIT = 71476;

/** π/2 in three parts of few bits, so that multiples of the first are exact. */
const HALF_PI = [0x1921fb0 / 2 ** 24, 0x15110b4 / 2 ** 46, 0x1846988 / 2 ** 72] as const;
const TWO_OVER_PI = Math.fround(2 / Math.PI);
/** Adding and subtracting it rounds a float32 to an integer. */
const ROUNDER = 0xc00000;

/** Minimax coefficients of (sin r − r) / r³ and cos r in r², the highest power first. */
const SINE = [0x17d3bbc / 2 ** 43, -0x1a06bba / 2 ** 37, 0x111119a / 2 ** 31, -0x1555556 / 2 ** 27, 0] as const;
const COSINE = [0x198e616 / 2 ** 40, -0x16c06dc / 2 ** 34, 0x155553c / 2 ** 29, -0.5, 1] as const;

/** `np.cos(np.float32(x))`; `x` is a float32 number. */
export function cosFloat32(x: number): number {
  return Math.abs(x) <= LIMIT ? quarterTurned(x, 1) : Math.fround(Math.cos(x));
}

/** `np.sin(np.float32(x))`; `x` is a float32 number. */
export function sinFloat32(x: number): number {
  return Math.abs(x) <= LIMIT ? quarterTurned(x, 0) : Math.fround(Math.sin(x));
}

/** a·b + c rounded once: a float64 holds the product exactly, and the sum to 29 bits more than are kept. */
function fused(a: number, b: number, c: number): number {
  return Math.fround(a * b + c);
}

/** sin(x + quarters · π/2) */
function quarterTurned(x: number, quarters: 0 | 1): number {
  const turns = fused(x, TWO_OVER_PI, ROUNDER) - ROUNDER;
  const r = HALF_PI.reduce((rest, part) => fused(turns, -part, rest), x);
  const square = Math.fround(r * r);
  const quadrant = turns + quarters;
  const polynomial = (coefficients: readonly number[]) =>
    coefficients.reduce((sum, coefficient) => fused(sum, square, coefficient));
  const y = quadrant & 1 ? polynomial(COSINE) : fused(polynomial(SINE), r, r);
  return quadrant & 2 ? -y : y;
}
