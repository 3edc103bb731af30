// How fast this processor multiplies and adds: a loop that touches nothing but registers, on THREADS threads at once.
// cc -O2 -march=native -ffp-contract=fast -pthread -Isrc/compute/native/runtime bench/fma-peak.c && ./a.out THREADS → GFLOP/s in all
#include "vector.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// Enough sums in flight for two units of four cycles each, few enough to stay in registers.
#if defined(__AVX512F__) || defined(__aarch64__)
#define SUMS 24
#else
#define SUMS 12
#endif
#if defined(__AVX512F__)
#define REGISTER "v"
#elif defined(__aarch64__)
#define REGISTER "w"
#else
#define REGISTER "x"
#endif
#define TURNS 8000000L

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

/** GFLOP/s of this thread. */
static void *multiply_and_add(void *result) {
  vec sums[SUMS];
  UNROLL for (int i = 0; i < SUMS; i += 1) sums[i] = splat(0.1f * (float)i);
  const vec factor = splat(0.999f), term = splat(0.001f);
  const double start = seconds();
  for (long turn = 0; turn < TURNS; turn += 1) {
    UNROLL for (int i = 0; i < SUMS; i += 1) sums[i] = sums[i] * factor + term;
    // Without it the compiler could take several turns at once.
    UNROLL for (int i = 0; i < SUMS; i += 1) __asm__ volatile("" : "+" REGISTER(sums[i]));
  }
  const double elapsed = seconds() - start;
  vec all = zero();
  UNROLL for (int i = 0; i < SUMS; i += 1) all += sums[i];
  // A use of the sums, too small to be seen.
  *(double *)result = 2.0 * WIDTH * SUMS * TURNS / elapsed * 1e-9 + 1e-30 * lane_sum(all);
  return NULL;
}

int main(int count, char **arguments) {
  const int threads = count > 1 ? atoi(arguments[1]) : 1;
  if (threads < 1 || threads > 64) return fputs("Usage: fma-peak THREADS\n", stderr), 2;
  pthread_t others[64];
  double rates[64];
  for (int i = 1; i < threads; i += 1)
    if (pthread_create(&others[i], NULL, multiply_and_add, &rates[i]) != 0) return 1;
  multiply_and_add(&rates[0]);
  double sum = rates[0];
  for (int i = 1; i < threads; i += 1) {
    pthread_join(others[i], NULL);
    sum += rates[i];
  }
  printf("%.2f\n", sum);
  return 0;
}
