// How fast the threads of a team multiply and add: a loop that touches nothing but registers, as a program of the native engine
// (after runtime/*.h, before addon.h), so that it runs on the very threads and in the very moments that an update runs on.

#define ARENA_FLOATS (MAX_THREADS * 16L)
/** Enough sums in flight for two units of four cycles each, few enough to stay in registers. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define SUMS 24
#else
#define SUMS 12
#endif

/** TURNS turns of SUMS vectors: 2 · WIDTH · SUMS · TURNS floating-point operations on each thread. */
static void update(float *const arena, struct team *team, int thread) {
  (void)team;
  vec sums[SUMS];
  UNROLL for (int i = 0; i < SUMS; i += 1) sums[i] = splat(0.1f * (float)i);
  const vec factor = splat(0.999f), term = splat(0.001f);
  for (long turn = 0; turn < TURNS; turn += 1) {
    UNROLL for (int i = 0; i < SUMS; i += 1) sums[i] = sums[i] * factor + term;
    // Without it the compiler could take several turns at once.
    __asm__ volatile("" ::: "memory");
  }
  vec all = zero();
  UNROLL for (int i = 0; i < SUMS; i += 1) all += sums[i];
  arena[16 * thread] = lane_sum(all);
}

static void prepare(float *const arena, struct team *team, int thread) { (void)arena, (void)team, (void)thread; }
