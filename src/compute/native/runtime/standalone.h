// The program as an executable instead of an addon, for sanitizers and profiles: `program THREADS CALLS IN OUT` reads the arena
// from file IN, runs it, writes the arena to OUT. Compiled with -DPROFILE it prints the least time that each step took.
#include <stdio.h>


struct standalone {
  struct team team;
  float *arena;
  bool preparing;
};

static void work(void *context, int thread) {
  struct standalone *self = context;
  (self->preparing ? prepare : update)(self->arena, &self->team, thread);
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

int main(int count, char **arguments) {
  if (count != 5) return fputs("Usage: program THREADS CALLS IN OUT\n", stderr), 2;
  static struct standalone self;
  // Exactly as large as the program says, so that a sanitizer sees the first float beyond it.
  self.arena = aligned_alloc(64, (sizeof(float) * ARENA_FLOATS + 63) / 64 * 64);
  FILE *file = fopen(arguments[3], "rb");
  if (file == NULL || fread(self.arena, sizeof(float), ARENA_FLOATS, file) != ARENA_FLOATS) return fail(arguments[3]);
  fclose(file);
  if (!team_open(&self.team, atoi(arguments[1]), work, &self)) return fail("threads");
  self.preparing = true;
  team_run(&self.team);
  self.preparing = false;
  for (int call = 0; call < atoi(arguments[2]); call += 1) {
    team_run(&self.team);
    PROFILE_CALL(call == 0);
  }
  team_close(&self.team);
  PROFILE_REPORT();
  file = fopen(arguments[4], "wb");
  if (file == NULL || fwrite(self.arena, sizeof(float), ARENA_FLOATS, file) != ARENA_FLOATS) return fail(arguments[4]);
  fclose(file);
  free(self.arena);
  return 0;
}
