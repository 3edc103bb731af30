// The `native` engine: a graph as C, compiled for this very processor, loaded into the calling thread.
import { readFileSync } from 'node:fs';
import type { Tensors } from '../../math/tensor.ts';
import type { CompileOptions, Engine, Program } from '../engine.ts';
import type { Graph } from '../graph.ts';
import { optimize } from '../passes/optimize.ts';
import { copyState, known, matchState } from '../state.ts';
import { type Compiler, findCompiler } from './compiler.ts';
import { type Handle, type Library, openLibrary } from './library.ts';
import { LibraryCache } from './library-cache.ts';
import { arraysIn, type Lowered, lower } from './lower/lower.ts';

export interface NativeOptions {
  /** Where compiled programs are kept. */
  readonly cacheDirectory: string;
  /** The compiler's command; null = the first of cc, gcc and clang that works. */
  readonly compiler: string | null;
  /** After this long a run of the compiler is ended; a minute where it is not given. */
  readonly timeLimitMs?: number;
}

/** As in runtime/team.h. A layer of a network has fewer blocks to share than that. */
const MAX_THREADS = 64;

/** Finds the compiler when it first compiles. */
export function nativeEngine({ cacheDirectory, compiler, timeLimitMs }: NativeOptions): Engine {
  let found: Promise<{ readonly compiler: Compiler; readonly cache: LibraryCache }> | undefined;
  const find = async () => {
    const tool = await findCompiler(compiler === null ? undefined : [compiler], undefined, timeLimitMs);
    return { compiler: tool, cache: new LibraryCache(cacheDirectory, tool) };
  };
  return {
    name: 'native',
    async compile(graph: Graph, options: CompileOptions): Promise<Program> {
      found ??= find();
      const { compiler: tool, cache } = await found;
      const lowered = lower(optimize(graph), tool.target);
      const source = wholeProgram(lowered, tool.target.width);
      options.dump?.({ stage: 'native', extension: 'c', content: source });
      const library = openLibrary(await cache.library(source));
      return new NativeProgram(graph, lowered, library, options.threads, `native ${cache.key(source)}`);
    },
  };
}

/** The file that is compiled: the runtime, the program, and what it is for. */
export function wholeProgram(
  { source }: Pick<Lowered, 'source'>,
  width: number,
  ending: 'addon' | 'standalone' = 'addon',
): string {
  const before = ['vector', 'products', 'team', 'profile'].map(runtime);
  return [`#define WIDTH ${width}`, ...before, source, runtime(ending)].join('\n');
}

const runtime = (name: string): string => readFileSync(new URL(`./runtime/${name}.h`, import.meta.url), 'utf8');

class NativeProgram implements Program {
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly identity: string;
  readonly #state: Readonly<Record<string, Float32Array>>;
  readonly #flags: Float32Array;
  readonly #flagged: readonly string[];
  readonly #graph: Graph;
  readonly #library: Library;
  readonly #handle: Handle;

  constructor(graph: Graph, lowered: Lowered, library: Library, threads: number, identity: string) {
    this.identity = identity;
    this.#graph = graph;
    this.#library = library;
    const memory = new ArrayBuffer(library.arenaBytes);
    const [handle, offset] = library.open(memory, Math.min(threads, MAX_THREADS));
    this.#handle = handle;
    const arrays = arraysIn(new Float32Array(memory, offset, lowered.arena.size), lowered);
    this.inputs = arrays.inputs;
    this.outputs = arrays.outputs;
    this.#state = arrays.state;
    this.#flags = arrays.flags;
    this.#flagged = lowered.steps.flags.names;
    library.prepare(handle);
  }

  async run(): Promise<void> {
    this.#flags.fill(0);
    this.#library.run(this.#handle);
  }

  nonFinite(): readonly string[] {
    return this.#flagged.filter((_, place) => this.#flags[place] !== 0);
  }

  peek(name: string): Float32Array {
    return known(name, this.#state[name]);
  }

  getState(): Tensors {
    return copyState(this.#graph, (name) => this.peek(name));
  }

  setState(state: Tensors): void {
    for (const [name, { data }] of matchState(this.#graph, state)) this.peek(name).set(data);
    this.#library.prepare(this.#handle);
  }

  async dispose(): Promise<void> {
    this.#library.close(this.#handle);
  }
}
