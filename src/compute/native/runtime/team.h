// The threads of one program. Work is cut into blocks by shape alone, never by the number of threads, so one thread and many
// give the same bytes. A helper spins while an update runs and a little after it, then sleeps until the next.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#if defined(__x86_64__)
#define PAUSE() _mm_pause()
/** Flush-to-zero and denormals-are-zero: a denormal number costs a hundred cycles, and means nothing to a network. */
typedef unsigned float_mode;
INLINE float_mode enter_float_mode(void) {
  float_mode before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);
  return before;
}
INLINE void leave_float_mode(float_mode before) { _mm_setcsr(before); }
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
typedef uint64_t float_mode;
INLINE float_mode enter_float_mode(void) {
  float_mode before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before | (1ull << 24)));
  return before;
}
INLINE void leave_float_mode(float_mode before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#else
#define PAUSE() sched_yield()
typedef int float_mode;
INLINE float_mode enter_float_mode(void) { return 0; }
INLINE void leave_float_mode(float_mode before) { (void)before; }
#endif

#define MAX_THREADS 64
/** How long a helper waits awake for the next update: longer than an environment's step and the sampling of a batch. */
#define AWAKE_NS 400000
/** Turns of a wait after which the processor is offered to others: with more threads than cores the one waited for may be one. */
#define PATIENCE 20000
/** Turns of a wait, some tens of microseconds, after which it is timed: blocks of equal size end closer together than that. */
#define USUAL_TURNS 1000
/**
 * A run in which the caller waited longer than this, and for more than half of the run, had a helper that another process kept from
 * its core. A slower core alone is no such thing: two then still do better than one.
 */
#define STALL_NS 300000
/** Runs without help after a stall: at first, and at most, where stall follows stall. */
#define ALONE_FIRST 4
#define ALONE_MOST 64

struct team {
  int threads;
  /** Threads that share this run: all, or the caller alone while the helpers are kept from running. */
  int active;
  /** Runs that the caller does alone from now on; how many it will be the next time. */
  int alone;
  int next_alone;
  /** Since the caller last waited in vain. */
  int undisturbed;
  /** Nanoseconds that the caller has waited in this run, beyond the usual, and that the run took. */
  int64_t waited;
  int64_t took;
  /** Told its number, 0 … threads − 1. */
  void (*work)(void *context, int thread);
  void *context;
  pthread_t helpers[MAX_THREADS];
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int sleeping;
  bool quit;
  /** Counts runs; a helper works when it changes. */
  _Alignas(64) _Atomic unsigned run;
  _Alignas(64) _Atomic int unfinished;
  _Alignas(64) _Atomic int arrived;
  _Alignas(64) _Atomic unsigned phase;
};

struct helper {
  struct team *team;
  int thread;
};

static int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct wait {
  int turns;
  int64_t since;
};

INLINE void wait_turn(struct wait *wait) {
  PAUSE();
  wait->turns += 1;
  if (wait->turns == USUAL_TURNS) wait->since = monotonic_ns();
  if (wait->turns % PATIENCE == 0) sched_yield();
}

INLINE int64_t waited_ns(const struct wait *wait) {
  return wait->turns < USUAL_TURNS ? 0 : monotonic_ns() - wait->since;
}

/** Nobody goes on before everybody has come. */
INLINE void barrier(struct team *team, int thread) {
  if (team->active == 1) return;
  unsigned phase = atomic_load_explicit(&team->phase, memory_order_acquire);
  if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) == team->active - 1) {
    atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&team->phase, phase + 1, memory_order_release);
    return;
  }
  struct wait wait = {0};
  while (atomic_load_explicit(&team->phase, memory_order_acquire) == phase) wait_turn(&wait);
  if (thread == 0) team->waited += waited_ns(&wait);
}

/** Waits for a run after `seen`: awake for a while, then asleep. False when the team ends. */
static bool await_run(struct team *team, unsigned seen) {
  int64_t until = 0;
  for (int turns = 1; atomic_load_explicit(&team->run, memory_order_acquire) == seen; turns += 1) {
    PAUSE();
    if (turns % 256 != 0) continue;
    int64_t now = monotonic_ns();
    if (until == 0) until = now + AWAKE_NS;
    if (now < until) continue;
    pthread_mutex_lock(&team->mutex);
    team->sleeping += 1;
    while (atomic_load_explicit(&team->run, memory_order_acquire) == seen) pthread_cond_wait(&team->wake, &team->mutex);
    team->sleeping -= 1;
    pthread_mutex_unlock(&team->mutex);
  }
  return !team->quit;
}

static void *help(void *argument) {
  struct helper self = *(struct helper *)argument;
  free(argument);
  enter_float_mode();
  for (unsigned seen = 0; await_run(self.team, seen);) {
    seen += 1;
    self.team->work(self.team->context, self.thread);
    atomic_fetch_sub_explicit(&self.team->unfinished, 1, memory_order_release);
  }
  return NULL;
}

/** Helpers see what was written before; those asleep are woken under the lock, so none falls asleep on a change it missed. */
static void call_helpers(struct team *team) {
  pthread_mutex_lock(&team->mutex);
  atomic_fetch_add_explicit(&team->run, 1, memory_order_release);
  if (team->sleeping > 0) pthread_cond_broadcast(&team->wake);
  pthread_mutex_unlock(&team->mutex);
}

/**
 * How many threads share the next run. Two threads on one free core wait for each other's time slices: slower than one by far. So
 * after a run with such a wait the caller works alone for a while, longer each time it happens again soon. The blocks are the same.
 */
static int choose_active(struct team *team) {
  if (team->waited > STALL_NS && team->waited > team->took / 2) {
    team->next_alone = team->undisturbed > ALONE_MOST ? ALONE_FIRST : team->next_alone * 2;
    if (team->next_alone < ALONE_FIRST) team->next_alone = ALONE_FIRST;
    if (team->next_alone > ALONE_MOST) team->next_alone = ALONE_MOST;
    team->alone = team->next_alone;
    team->undisturbed = 0;
  }
  team->waited = 0;
  team->undisturbed += 1;
  if (team->alone == 0) return team->threads;
  team->alone -= 1;
  return 1;
}

/** One run of `work` on the threads of the team, the caller's included. */
static void team_run(struct team *team) {
  float_mode before = enter_float_mode();
  team->active = choose_active(team);
  const int64_t start = monotonic_ns();
  if (team->active > 1) {
    atomic_store_explicit(&team->unfinished, team->active - 1, memory_order_relaxed);
    call_helpers(team);
  }
  team->work(team->context, 0);
  if (team->active > 1) {
    struct wait wait = {0};
    while (atomic_load_explicit(&team->unfinished, memory_order_acquire) > 0) wait_turn(&wait);
    team->waited += waited_ns(&wait);
  }
  team->took = monotonic_ns() - start;
  leave_float_mode(before);
}

/** Ends the helpers and waits for their ends: their code may be unloaded next. */
static void team_close(struct team *team) {
  if (team->threads > 1) {
    team->quit = true;
    call_helpers(team);
    for (int thread = 1; thread < team->threads; thread += 1) pthread_join(team->helpers[thread], NULL);
  }
  pthread_cond_destroy(&team->wake);
  pthread_mutex_destroy(&team->mutex);
}

/** False where a helper could not be started; nothing is left running then. `team` is zeroed memory. */
static bool team_open(struct team *team, int threads, void (*work)(void *, int), void *context) {
  team->work = work;
  team->context = context;
  pthread_mutex_init(&team->mutex, NULL);
  pthread_cond_init(&team->wake, NULL);
  for (team->threads = 1; team->threads < threads; team->threads += 1) {
    struct helper *argument = malloc(sizeof *argument);
    bool started = argument != NULL;
    if (started) {
      *argument = (struct helper){team, team->threads};
      started = pthread_create(&team->helpers[team->threads], NULL, help, argument) == 0;
    }
    if (!started) {
      free(argument);
      team_close(team);
      return false;
    }
  }
  return true;
}
