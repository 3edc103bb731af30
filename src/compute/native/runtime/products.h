// Matrix products: a tile of the result is summed in registers over the whole inner dimension, one accumulator an element, so
// an element is one sum in one order whatever tile it falls in.

/**
 * Opens a tile of ROWS × (VECTORS · WIDTH) results: `sums[i][j]` = Σₖ a[i·A_ROW + k·A_INNER] · b[k·B_INNER + j·WIDTH …].
 * TAIL = 0, or how many numbers the last vector has. Everything but the pointers is a constant where it is used.
 */
#define TILE(ROWS, VECTORS, TAIL, INNER, A_ROW, A_INNER, B_INNER)                                          \
  vec sums[ROWS][VECTORS];                                                                                  \
  UNROLL for (int i = 0; i < ROWS; i += 1) UNROLL for (int j = 0; j < VECTORS; j += 1) sums[i][j] = zero(); \
  _Pragma("GCC unroll 1") for (long k = 0; k < INNER; k += 1) {                                             \
    vec b_row[VECTORS];                                                                                     \
    UNROLL for (int j = 0; j < VECTORS; j += 1)                                                             \
        b_row[j] = TAIL && j == VECTORS - 1 ? load_tail(b + j * WIDTH, TAIL) : load(b + j * WIDTH);         \
    UNROLL for (int i = 0; i < ROWS; i += 1) {                                                              \
      vec a_element = splat(a[i * (A_ROW)]);                                                                \
      UNROLL for (int j = 0; j < VECTORS; j += 1) sums[i][j] += a_element * b_row[j];                       \
    }                                                                                                       \
    a += A_INNER;                                                                                           \
    b += B_INNER;                                                                                           \
  }

/** Σ x[i]·y[i], two vector sums in turn. */
INLINE float dot(const float *x, const float *y, int count) {
  vec even = zero(), odd = zero();
  int i = 0;
  for (; i + 2 * WIDTH <= count; i += 2 * WIDTH) {
    even += load(x + i) * load(y + i);
    odd += load(x + i + WIDTH) * load(y + i + WIDTH);
  }
  for (; i + WIDTH <= count; i += WIDTH) even += load(x + i) * load(y + i);
  if (i < count) odd += load_tail(x + i, count - i) * load_tail(y + i, count - i);
  return lane_sum(even + odd);
}

/** The vector of two vectors' low halves, lane by lane in turn, and of their high halves. */
#if WIDTH == 16
#define LOW_HALVES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_HALVES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif WIDTH == 8
#define LOW_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW_HALVES 0, 4, 1, 5
#define HIGH_HALVES 2, 6, 3, 7
#endif
#if defined(__clang__)
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, (ivec){__VA_ARGS__})
#endif

/** A WIDTH × WIDTH block, transposed in registers: log₂ WIDTH rounds of interleaving the upper half with the lower. */
INLINE void transpose_block(const float *from, long from_row, float *to, long to_row) {
  vec rows[WIDTH], next[WIDTH];
  UNROLL for (int i = 0; i < WIDTH; i += 1) rows[i] = load(from + i * from_row);
  UNROLL for (int round = 1; round < WIDTH; round *= 2) {
    UNROLL for (int i = 0; i < WIDTH / 2; i += 1) {
      next[2 * i] = SHUFFLE(rows[i], rows[i + WIDTH / 2], LOW_HALVES);
      next[2 * i + 1] = SHUFFLE(rows[i], rows[i + WIDTH / 2], HIGH_HALVES);
    }
    UNROLL for (int i = 0; i < WIDTH; i += 1) rows[i] = next[i];
  }
  UNROLL for (int i = 0; i < WIDTH; i += 1) store(to + i * to_row, rows[i]);
}

/** to[c][r] = from[r][c] for rows `first` … `last` − 1 of `from`, `columns` wide. */
FUNCTION void transpose(const float *from, long from_row, float *to, long to_row, int first, int last, int columns) {
  int r = first;
  for (; r + WIDTH <= last; r += WIDTH) {
    int c = 0;
    for (; c + WIDTH <= columns; c += WIDTH) transpose_block(from + r * from_row + c, from_row, to + c * to_row + r, to_row);
    for (; c < columns; c += 1)
      for (int i = 0; i < WIDTH; i += 1) to[c * to_row + r + i] = from[(r + i) * from_row + c];
  }
  for (; r < last; r += 1)
    for (int c = 0; c < columns; c += 1) to[c * to_row + r] = from[r * from_row + c];
}
