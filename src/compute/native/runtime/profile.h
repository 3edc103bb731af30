// Times of the steps of the first thread, when compiled with -DPROFILE; else nothing.
#if defined(PROFILE) && defined(__x86_64__)
#include <stdio.h>
#define PROFILE_STEPS 1000
static unsigned long long profile_now[PROFILE_STEPS], profile_least[PROFILE_STEPS];
static const char *profile_names[PROFILE_STEPS];
#define STEP_BEGIN() const unsigned long long step_began = __builtin_ia32_rdtsc();
#define STEP_END(index, name) \
  if (thread == 0) profile_now[index] = __builtin_ia32_rdtsc() - step_began, profile_names[index] = name;
#define PROFILE_CALL()                                                                                           \
  for (int i = 0; i < PROFILE_STEPS; i += 1)                                                                     \
    if (profile_least[i] == 0 || profile_now[i] < profile_least[i]) profile_least[i] = profile_now[i];
#define PROFILE_REPORT()                     \
  for (int i = 0; i < PROFILE_STEPS; i += 1) \
    if (profile_names[i] != NULL) printf("%llu\t%s\n", profile_least[i], profile_names[i]);
#else
#define STEP_BEGIN()
#define STEP_END(index, name)
#define PROFILE_CALL()
#define PROFILE_REPORT()
#endif
