// What runs a traced graph. An engine is one folder beside this file; the float64 reference is one too.
import type { Tensors } from '../math/tensor.ts';
import type { Dumped } from './dump.ts';
import type { Graph } from './graph.ts';

export interface Engine {
  /** As users write it, such as `onnx-cpu`. */
  readonly name: EngineName;
  compile(graph: Graph, options: CompileOptions): Promise<Program>;
}

export type EngineName =
  | 'native'
  | 'onnx-cpu'
  | 'onnx-webgpu'
  | 'onnx-cuda'
  | 'tfjs-node'
  | 'tfjs-node-gpu'
  | 'tfjs-wasm'
  | 'tfjs-cpu'
  | 'reference';

/**
 * Engines whose jobs get a process of their own, whatever the server was told. Two threads of one process that use onnxruntime's
 * WebGPU crash it, and nothing but the end of a process ends a call of a GPU's driver that never returns.
 */
export const IN_OWN_PROCESS: ReadonlySet<EngineName> = new Set(['onnx-webgpu', 'onnx-cuda', 'tfjs-node-gpu']);

/** Engines whose programs can keep tables, see `Tables`. */
export const KEEPS_TABLES: ReadonlySet<EngineName> = new Set(['tfjs-node', 'tfjs-node-gpu']);

export interface CompileOptions {
  /** Threads of one call, at least 1. */
  readonly threads: number;
  /** For engines of `KEEPS_TABLES` only. */
  readonly tables?: Tables;
  /** The program acts: a few rows a call, and an environment waits for them. A GPU is further away than the processor. */
  readonly acts?: boolean;
  /** Shown what the engine makes of the graph. */
  readonly dump?: (dumped: Dumped) => void;
}

/**
 * Tables of float32 that lie where the program computes and stay there from call to call, all zeros at first; they are no part of its
 * state. An input of the graph that is rows of one is not an input of the program: that takes the numbers of the rows instead.
 */
export interface Tables {
  /** Rows of each table: at most 2^24, since their numbers are given as float32. */
  readonly rows: number;
  /** By the input of the graph: the table whose rows it is, and the name under which the program takes their numbers. */
  readonly gathers: Readonly<Record<string, Gather>>;
}

export interface Gather {
  readonly table: string;
  /** The same for several inputs where the same rows of several tables are meant. */
  readonly by: string;
}

/** A compiled graph with its state. Not re-entrant: wait for one call before the next. */
export interface Program {
  /** Arrays that the caller fills before a call; owned by the program, valid until it is disposed. */
  readonly inputs: Readonly<Record<string, Float32Array>>;
  /** What the last call returned; overwritten by the next. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** What decides the bits of its results beside the numbers it is given: equal identities, equal bytes. */
  readonly identity: string;
  /** One call: inputs and state to outputs and the next state. */
  run(): Promise<void>;
  /**
   * Of a program with tables: the rows from number `first` on, [n, width] with the tables side by side as `Tables.gathers` first names
   * them. They are there from the next call on; until then `rows` belongs to the program.
   */
  putRows?(first: number, rows: Float32Array): void;
  /** Outputs that the last call made NaN or infinite, and then states too; a state alone only where the engine watches for it. */
  nonFinite(): readonly string[];
  /** One tensor of the state as it is now, without a copy where the engine has none to make; read only, valid until the next call. */
  peek(name: string): Float32Array;
  /** A copy of the whole state. */
  getState(): Tensors;
  /** Replaces the state. Throws `checkpoint_incompatible` naming the tensor that is missing, unknown or of another shape. */
  setState(state: Tensors): void;
  dispose(): Promise<void>;
}
