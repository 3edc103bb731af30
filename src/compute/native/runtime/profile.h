// Times of the steps of the first thread, in nanoseconds, when compiled with -DPROFILE (`npm run --silent bench -- profile`); else nothing.
#if defined(PROFILE)
#include <stdio.h>
#define PROFILE_STEPS 1000
static int64_t profile_now[PROFILE_STEPS], profile_least[PROFILE_STEPS];
static const char *profile_names[PROFILE_STEPS];
#define STEP_BEGIN() const int64_t step_began = monotonic_ns();
#define STEP_END(index, name)                                            \
  _Static_assert(index < PROFILE_STEPS, "more steps than are profiled"); \
  if (thread == 0) profile_now[index] = monotonic_ns() - step_began, profile_names[index] = name;
/** After every call: `first` is true for the first. */
#define PROFILE_CALL(first)                  \
  for (int i = 0; i < PROFILE_STEPS; i += 1) \
    if (first || profile_now[i] < profile_least[i]) profile_least[i] = profile_now[i];
#define PROFILE_REPORT()                     \
  for (int i = 0; i < PROFILE_STEPS; i += 1) \
    if (profile_names[i] != NULL) printf("%lld\t%s\n", (long long)profile_least[i], profile_names[i]);
#else
#define STEP_BEGIN()
#define STEP_END(index, name)
#define PROFILE_CALL(first)
#define PROFILE_REPORT()
#endif
