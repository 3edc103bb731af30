// Vectors of floats, as wide as the processor's registers, and the element-wise functions of a graph on them.
// Written with the vector extensions of GCC and Clang; intrinsics only for what those lack (masked tails, square roots).
//
// NaN survives everything here: min, max, ReLU and clip return NaN where an operand is NaN, so that a failure stays visible.
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef WIDTH
#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
#endif

#define INLINE static inline __attribute__((always_inline, unused))
#define FUNCTION static __attribute__((noinline, unused))
#define UNROLL _Pragma("GCC unroll 32")

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef int32_t ivec __attribute__((vector_size(4 * WIDTH)));
/** The same in memory, where it is aligned to one float only. */
typedef float vec_memory __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

/** x − 0 is x for every x; 0 + x would be another number where x is −0, and could not be folded. */
INLINE vec splat(float x) { return x - (vec){0}; }
INLINE vec zero(void) { return (vec){0}; }
INLINE vec load(const float *from) { return *(const vec_memory *)from; }
INLINE void store(float *to, vec x) { *(vec_memory *)to = x; }

#if defined(__AVX512F__) && WIDTH == 16
#define TAIL_MASK(count) ((__mmask16)((1u << (count)) - 1))
/** The first `count` numbers, 0 < count < WIDTH; zeros behind them. */
INLINE vec load_tail(const float *from, int count) { return (vec)_mm512_maskz_loadu_ps(TAIL_MASK(count), from); }
INLINE void store_tail(float *to, vec x, int count) { _mm512_mask_storeu_ps(to, TAIL_MASK(count), (__m512)x); }
INLINE vec vsqrt(vec x) { return (vec)_mm512_sqrt_ps((__m512)x); }
#elif defined(__AVX__) && WIDTH == 8
INLINE __m256i tail_mask(int count) {
  static const int32_t masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(masks + 8 - count));
}
INLINE vec load_tail(const float *from, int count) { return (vec)_mm256_maskload_ps(from, tail_mask(count)); }
INLINE void store_tail(float *to, vec x, int count) { _mm256_maskstore_ps(to, tail_mask(count), (__m256)x); }
INLINE vec vsqrt(vec x) { return (vec)_mm256_sqrt_ps((__m256)x); }
#else
INLINE vec load_tail(const float *from, int count) {
  vec x = {0};
  for (int lane = 0; lane < count; lane += 1) x[lane] = from[lane];
  return x;
}
INLINE void store_tail(float *to, vec x, int count) {
  for (int lane = 0; lane < count; lane += 1) to[lane] = x[lane];
}
INLINE vec vsqrt(vec x) {
  for (int lane = 0; lane < WIDTH; lane += 1) x[lane] = sqrtf(x[lane]);
  return x;
}
#endif

/** Numbers `stride` floats apart. */
INLINE vec gather(const float *from, long stride, int count) {
  vec x = {0};
  for (int lane = 0; lane < count; lane += 1) x[lane] = from[lane * stride];
  return x;
}
INLINE void scatter(float *to, long stride, vec x, int count) {
  for (int lane = 0; lane < count; lane += 1) to[lane * stride] = x[lane];
}

/** The sum of the lanes, always in the same order: halves on top of each other. */
INLINE float lane_sum(vec x) {
#if defined(__clang__)
  for (int half = WIDTH / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane += 1) x[lane] += x[lane + half];
#else
  ivec lanes;
  UNROLL for (int lane = 0; lane < WIDTH; lane += 1) lanes[lane] = lane;
  UNROLL for (int half = WIDTH / 2; half > 0; half /= 2) x += __builtin_shuffle(x, lanes ^ half);
#endif
  return x[0];
}

/** All ones in the lanes where it holds. */
#define MASK(condition) ((ivec)(condition))
INLINE vec choose(ivec mask, vec yes, vec no) { return (vec)((mask & (ivec)yes) | (~mask & (ivec)no)); }
/** 1 where it holds, else 0: how a graph's booleans are kept. */
INLINE vec truth(ivec mask) { return (vec)(mask & (ivec)splat(1.0f)); }
INLINE vec vabs(vec x) { return (vec)((ivec)x & 0x7fffffff); }

/** x where x < 0 does not hold, which is so for NaN. */
INLINE vec vrelu(vec x) { return (vec)(~MASK(x < zero()) & (ivec)x); }
INLINE vec vstep(vec x) { return choose(MASK(x != x), x, truth(MASK(x > zero()))); }
INLINE vec vmin(vec a, vec b) { return choose(MASK(a != a) | MASK(a < b), a, b); }
INLINE vec vmax(vec a, vec b) { return choose(MASK(a != a) | MASK(a > b), a, b); }
INLINE float lane_max(vec x) {
  for (int lane = 1; lane < WIDTH; lane += 1) x = vmax(x, splat(x[lane]));
  return x[0];
}
INLINE vec vclip(vec x, vec low, vec high) {
  vec y = choose(MASK(x < low), low, x);
  return choose(MASK(y > high), high, y);
}
INLINE vec vselect(vec condition, vec yes, vec no) { return choose(MASK(condition != zero()), yes, no); }
INLINE vec vgreater(vec a, vec b) { return truth(MASK(a > b)); }
INLINE vec vgreater_equal(vec a, vec b) { return truth(MASK(a >= b)); }
INLINE vec vless(vec a, vec b) { return truth(MASK(a < b)); }
INLINE vec vless_equal(vec a, vec b) { return truth(MASK(a <= b)); }
INLINE vec vequal(vec a, vec b) { return truth(MASK(a == b)); }
INLINE vec vand(vec a, vec b) { return truth(MASK(a != zero()) & MASK(b != zero())); }
INLINE vec vbool(vec x) { return truth(MASK(x != zero())); }

/**
 * eˣ. x = n·ln 2 + r with |r| ≤ ½ ln 2, e^r by a polynomial of degree 7 (coefficients: S. Moshier, Cephes, expf), times 2ⁿ in
 * two steps, since 2¹²⁸ is no float. Below the smallest normal number the result is 0.
 */
INLINE vec vexp(vec x) {
  const vec magic = splat(12582912.0f); // 1.5·2²³: adding it leaves the rounded integer in the low bits
  vec t = choose(MASK(x > splat(89.0f)), splat(89.0f), x);
  t = choose(MASK(t < splat(-104.0f)), splat(-104.0f), t);
  vec shifted = t * splat(1.44269504088896341f) + magic;
  vec n = shifted - magic;
  vec r = t - n * splat(0.693359375f);
  r = r - n * splat(-2.12194440e-4f);
  vec p = splat(1.9875691500e-4f);
  p = p * r + splat(1.3981999507e-3f);
  p = p * r + splat(8.3334519073e-3f);
  p = p * r + splat(4.1665795894e-2f);
  p = p * r + splat(1.6666665459e-1f);
  p = p * r + splat(5.0000001201e-1f);
  p = p * (r * r) + r + splat(1.0f);
  ivec exponent = (ivec)shifted - (ivec)magic;
  ivec half = exponent >> 1;
  vec y = p * (vec)((half + 127) << 23) * (vec)((exponent - half + 127) << 23);
  y = choose(MASK(x > splat(88.7228390f)), splat(HUGE_VALF), y);
  return choose(MASK(x < splat(-87.3365447f)), zero(), y);
}

/**
 * The natural logarithm (coefficients: Cephes, logf). −∞ at 0, NaN below, and for numbers too small to be normal −∞, as they count
 * as 0 while a program runs.
 */
INLINE vec vlog(vec x) {
  ivec bits = (ivec)x;
  ivec exponent = ((bits >> 23) & 0xff) - 127;
  vec m = (vec)((bits & 0x007fffff) | 0x3f800000);
  ivec large = MASK(m > splat(1.41421356f));
  m = choose(large, m * splat(0.5f), m);
  exponent = exponent - large; // a mask is −1
  vec e = __builtin_convertvector(exponent, vec);
  vec r = m - splat(1.0f);
  vec z = r * r;
  vec p = splat(7.0376836292e-2f);
  p = p * r + splat(-1.1514610310e-1f);
  p = p * r + splat(1.1676998740e-1f);
  p = p * r + splat(-1.2420140846e-1f);
  p = p * r + splat(1.4249322787e-1f);
  p = p * r + splat(-1.6668057665e-1f);
  p = p * r + splat(2.0000714765e-1f);
  p = p * r + splat(-2.4999993993e-1f);
  p = p * r + splat(3.3333331174e-1f);
  vec y = p * r * z;
  y = y + e * splat(-2.12194440e-4f);
  y = y - splat(0.5f) * z;
  y = r + y + e * splat(0.693359375f);
  y = choose(MASK(x < splat(1.17549435e-38f)), splat(-HUGE_VALF), y);
  y = choose(MASK(x == splat(HUGE_VALF)), x, y);
  return choose(MASK(x < zero()) | MASK(x != x), splat(__builtin_nanf("")), y);
}

/** log(1 + u) of u = e^−|x|, with what the sum 1 + u lost put back (Kahan), plus max(x, 0). */
INLINE vec vsoftplus(vec x) {
  vec u = vexp(-vabs(x));
  vec sum = splat(1.0f) + u;
  vec lost = u - (sum - splat(1.0f));
  return vrelu(x) + (vlog(sum) + lost / sum);
}

INLINE vec vsigmoid(vec x) { return splat(1.0f) / (splat(1.0f) + vexp(-x)); }

/** Near 0 an odd polynomial (coefficients: Cephes, tanhf), elsewhere (1 − e^−2|x|) / (1 + e^−2|x|) with the sign of x. */
INLINE vec vtanh(vec x) {
  vec a = vabs(x);
  vec e = vexp(a * splat(-2.0f));
  vec far = (splat(1.0f) - e) / (splat(1.0f) + e);
  far = (vec)((ivec)far | ((ivec)x & (ivec)splat(-0.0f)));
  vec z = x * x;
  vec p = splat(-5.70498872745e-3f);
  p = p * z + splat(2.06390887954e-2f);
  p = p * z + splat(-5.37397155531e-2f);
  p = p * z + splat(1.33314422036e-1f);
  p = p * z + splat(-3.33332819422e-1f);
  p = p * z * x + x;
  return choose(MASK(a < splat(0.625f)), p, far);
}

/** By libm, a lane at a time: graphs raise to a power rarely. */
INLINE vec vpow(vec x, vec y) {
  for (int lane = 0; lane < WIDTH; lane += 1) x[lane] = powf(x[lane], y[lane]);
  return x;
}

/** Sets the flag where one of the first `count` numbers is NaN or infinite. Threads may do so at once: all write the same. */
INLINE void watch(float *flag, vec x, int count) {
  ivec wrong = ~MASK(x - x == zero());
#if defined(__AVX512F__) && WIDTH == 16
  bool any = (_mm512_test_epi32_mask((__m512i)wrong, (__m512i)wrong) & ((1u << count) - 1)) != 0;
#elif defined(__AVX__) && WIDTH == 8
  bool any = (_mm256_movemask_ps((__m256)wrong) & ((1u << count) - 1)) != 0;
#else
  bool any = false;
  for (int lane = 0; lane < count; lane += 1) any |= wrong[lane] != 0;
#endif
  if (__builtin_expect(any, 0)) {
    float one = 1.0f;
    __atomic_store((volatile float *)flag, &one, __ATOMIC_RELAXED);
  }
}
