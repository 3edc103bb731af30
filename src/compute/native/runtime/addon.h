// The library as a Node-API addon. Included after the generated program, which defines ARENA_FLOATS, `update` and `prepare`.
#include <node_api.h>

/** One instance: a library may hold several, in several threads. All memory it computes in is the caller's ArrayBuffer. */
struct program {
  struct team team;
  float *arena;
  void (*task)(float *arena, struct team *team, int thread);
  napi_ref buffer;
  napi_env env;
  bool closed;
};

static void work(void *context, int thread) {
  struct program *program = context;
  program->task(program->arena, &program->team, thread);
}

/** Joins the team. Runs at the latest before the thread's environment goes, and with it this code. */
static void close_program(void *context) {
  struct program *program = context;
  if (program->closed) return;
  program->closed = true;
  team_close(&program->team);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  struct program *program = data;
  if (!program->closed) {
    napi_remove_env_cleanup_hook(env, close_program, program);
    napi_delete_reference(env, program->buffer);
    close_program(program);
  }
  free(program);
}

static napi_value fail(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

/** open(buffer, threads) → [handle, offset]: the arena begins `offset` bytes into `buffer`, at a multiple of 64. */
static napi_value js_open(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2, bytes;
  void *data;
  int32_t threads;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_arraybuffer_info(env, arguments[0], &data, &bytes) != napi_ok) return fail(env, "open needs an ArrayBuffer.");
  if (napi_get_value_int32(env, arguments[1], &threads) != napi_ok || threads < 1 || threads > MAX_THREADS)
    return fail(env, "open needs a number of threads from 1 to 64.");
  size_t offset = (64 - (uintptr_t)data % 64) % 64;
  if (bytes < offset + sizeof(float) * ARENA_FLOATS) return fail(env, "The ArrayBuffer is too small.");
  // Not calloc: the team's counters stand on cache lines of their own.
  struct program *program = aligned_alloc(64, sizeof *program);
  if (program == NULL) return fail(env, "Out of memory.");
  memset(program, 0, sizeof *program);
  program->arena = (float *)((char *)data + offset);
  program->env = env;
  if (!team_open(&program->team, threads, work, program)) {
    free(program);
    return fail(env, "A helper thread could not be started.");
  }
  napi_create_reference(env, arguments[0], 1, &program->buffer);
  napi_add_env_cleanup_hook(env, close_program, program);
  napi_value result, handle, place;
  napi_create_external(env, program, finalize, NULL, &handle);
  napi_create_int64(env, (int64_t)offset, &place);
  napi_create_array_with_length(env, 2, &result);
  napi_set_element(env, result, 0, handle);
  napi_set_element(env, result, 1, place);
  return result;
}

static struct program *program_of(napi_env env, napi_callback_info info) {
  napi_value handle;
  size_t count = 1;
  void *data;
  napi_get_cb_info(env, info, &count, &handle, NULL, NULL);
  if (napi_get_value_external(env, handle, &data) != napi_ok) return (void)fail(env, "This needs a handle from open."), NULL;
  return data;
}

static napi_value run_task(napi_env env, napi_callback_info info, void (*task)(float *, struct team *, int)) {
  struct program *program = program_of(env, info);
  if (program == NULL) return NULL;
  if (program->closed) return fail(env, "The program was disposed.");
  program->task = task;
  team_run(&program->team);
  return NULL;
}

/** run(handle): one call of the program. */
static napi_value js_run(napi_env env, napi_callback_info info) { return run_task(env, info, update); }

/** prepare(handle): what is derived from the state, after the caller wrote it. */
static napi_value js_prepare(napi_env env, napi_callback_info info) { return run_task(env, info, prepare); }

/** close(handle): ends the helpers. Again, it does nothing. */
static napi_value js_close(napi_env env, napi_callback_info info) {
  struct program *program = program_of(env, info);
  if (program == NULL || program->closed) return NULL;
  napi_remove_env_cleanup_hook(env, close_program, program);
  napi_delete_reference(env, program->buffer);
  close_program(program);
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor properties[] = {
      {.utf8name = "open", .method = js_open, .attributes = napi_enumerable},
      {.utf8name = "run", .method = js_run, .attributes = napi_enumerable},
      {.utf8name = "prepare", .method = js_prepare, .attributes = napi_enumerable},
      {.utf8name = "close", .method = js_close, .attributes = napi_enumerable},
  };
  napi_value bytes;
  napi_create_int64(env, (int64_t)(sizeof(float) * ARENA_FLOATS + 64), &bytes);
  napi_set_named_property(env, exports, "arenaBytes", bytes);
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  return exports;
}
