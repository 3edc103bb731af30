// The compiler that the environment of the tests has, or why native tests are skipped; and programs as bare memory, where a test
// needs flags, bytes or a file that the engine does not show.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Graph } from '../../../src/compute/graph.ts';
import { type Compiler, findCompiler } from '../../../src/compute/native/compiler.ts';
import { wholeProgram } from '../../../src/compute/native/engine.ts';
import { type Library, openLibrary } from '../../../src/compute/native/library.ts';
import { LibraryCache } from '../../../src/compute/native/library-cache.ts';
import { arraysIn, type Lowered, lower } from '../../../src/compute/native/lower/lower.ts';
import { optimize } from '../../../src/compute/passes/optimize.ts';
import type { Float64Record } from '../../../src/compute/reference/evaluate.ts';
import { ENGINE_SETTINGS } from '../../support/engine-settings.ts';

const { compiler: setting, cacheDirectory } = ENGINE_SETTINGS;
const commands = setting === 'auto' ? undefined : [setting];

/** Kept from run to run, as GYMSERVE_CACHE_DIR says. */
const CACHE = cacheDirectory;

const found =
  setting === 'off'
    ? 'the native engine was turned off (GYMSERVE_CC=off).'
    : await findCompiler(commands).catch(reason);

/** For node:test's `skip`: false where there is a compiler, else why there is none. */
export const skip: string | false = typeof found === 'string' ? found : false;

export function machineCompiler(): Compiler {
  assert.ok(typeof found !== 'string', 'A test that needs the compiler was not skipped.');
  return found;
}

/** A compiler of this machine for other flags, or why there is none. */
export function otherCompiler(command: string, machineFlags: readonly string[]): Promise<Compiler | string> {
  return skip === false ? findCompiler([command], [...machineFlags]).catch(reason) : Promise.resolve(skip);
}

function reason(thrown: unknown): string {
  return (thrown as Error).message;
}

type Arrays = Readonly<Record<string, Float32Array>>;

/** A program whose memory lies open. */
export interface RawProgram {
  readonly lowered: Lowered;
  /** The whole block, as aligned as the library sees it. */
  readonly arena: Float32Array;
  readonly inputs: Arrays;
  readonly outputs: Arrays;
  readonly state: Arrays;
  /** Fills inputs and state, and derives what is kept of the state. */
  set(inputs: Float64Record, state: Float64Record): void;
  run(): void;
  close(): void;
}

export const lowered = (graph: Graph, { target }: Compiler): Lowered => lower(optimize(graph), target);

/** The path of the library of `graph` as the engine makes and keeps it. */
export async function libraryOf(graph: Graph, compiler: Compiler): Promise<string> {
  const source = wholeProgram(lowered(graph, compiler), compiler.target.width);
  return new LibraryCache(CACHE, compiler).library(source);
}

/** The C of a program whose helpers share every run: else, on a busy machine, a team of three may well be its first thread alone. */
export function steadySource(made: Lowered, { target }: Compiler, ending: 'addon' | 'standalone' = 'addon'): string {
  const stall = /^#define STALL_NS .*$/m;
  const source = wholeProgram(made, target.width, ending);
  assert.match(source, stall);
  return source.replace(stall, '#define STALL_NS INT64_MAX');
}

interface Compiled {
  readonly made: Lowered;
  readonly library: Library;
}

/** What was compiled already in this process: some tests open a program many times. */
const known = new WeakMap<Graph, Map<Compiler, Promise<Compiled>>>();

function compiledOnce(graph: Graph, compiler: Compiler): Promise<Compiled> {
  const compile = async (): Promise<Compiled> => {
    const made = lowered(graph, compiler);
    const path = await new LibraryCache(CACHE, compiler).library(steadySource(made, compiler));
    return { made, library: openLibrary(path) };
  };
  const byCompiler = known.get(graph) ?? new Map<Compiler, Promise<Compiled>>();
  known.set(graph, byCompiler);
  const result = byCompiler.get(compiler) ?? compile();
  byCompiler.set(compiler, result);
  return result;
}

/** `graph` compiled by `compiler` and opened with `threads` threads. */
export async function openRaw(graph: Graph, compiler: Compiler, threads = 1): Promise<RawProgram> {
  const { made, library } = await compiledOnce(graph, compiler);
  const memory = new ArrayBuffer(library.arenaBytes);
  const [handle, offset] = library.open(memory, threads);
  const arena = new Float32Array(memory, offset, made.arena.size);
  const { inputs, outputs, state } = arraysIn(arena, made);
  return {
    lowered: made,
    arena,
    inputs,
    outputs,
    state,
    set: (x, before) => {
      for (const [name, values] of Object.entries(x)) inputs[name]?.set(values);
      for (const [name, values] of Object.entries(before)) state[name]?.set(values);
      library.prepare(handle);
    },
    run: () => library.run(handle),
    close: () => library.close(handle),
  };
}

/** A folder beside the compiled programs for other things that tests build and keep. */
export function buildFolder(name: string): string {
  const folder = join(CACHE, '..', 'native-tests', name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
