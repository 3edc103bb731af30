// numpy's arithmetic and order of summation, for rewards that Gymnasium computes in the dtype of an array.

/**
 * `np.sum(np.square(x))` of a contiguous array, every operation rounded to the array's dtype. numpy adds up to 7 numbers
 * in order and up to 128 in eight interleaved sums (numpy/_core/src/umath, pairwise summation); no action is longer.
 * Throws a `RangeError` beyond 128 elements.
 */
export function sumOfSquares(x: Float32Array | Float64Array): number {
  const n = x.length;
  if (n > 128) throw new RangeError(`sumOfSquares takes at most 128 elements; got ${n}.`);
  const round = x instanceof Float32Array ? Math.fround : (value: number) => value;
  const square = (i: number) => round((x[i] as number) * (x[i] as number));
  const add = (a: number, b: number) => round(a + b);

  const interleaved = n - (n % 8);
  let sum = 0;
  if (interleaved > 0) {
    const lanes = Array.from({ length: 8 }, (_, lane) => square(lane));
    for (let i = 8; i < interleaved; i++) lanes[i % 8] = add(lanes[i % 8] as number, square(i));
    const [a, b, c, d, e, f, g, h] = lanes as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    sum = add(add(add(a, b), add(c, d)), add(add(e, f), add(g, h)));
  }
  for (let i = interleaved; i < n; i++) sum = add(sum, square(i));
  return sum;
}
