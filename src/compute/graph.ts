// The traced program: a directed acyclic graph of tensor operations with static shapes. Data only; what runs it is an engine.

export type DType = 'float32' | 'bool';

/** What a node computes from its inputs. Names follow tfjs kernels; shapes follow numpy broadcasting. */
export type Op =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'constant'; readonly values: Float32Array }
  | { readonly kind: UnaryKind }
  | { readonly kind: BinaryKind }
  | { readonly kind: 'select' }
  | { readonly kind: 'clip'; readonly min: number; readonly max: number }
  | { readonly kind: 'cast' }
  | { readonly kind: 'sum' | 'mean' | 'max'; readonly axes: readonly number[]; readonly keepDims: boolean }
  /** Rank 2: op(A)·op(B), plus the bias where there is a third input (its shape broadcasts to the product's). */
  | { readonly kind: 'matmul'; readonly transposeA: boolean; readonly transposeB: boolean }
  | { readonly kind: 'reshape' }
  | { readonly kind: 'broadcast' }
  | { readonly kind: 'tile'; readonly reps: readonly number[] }
  | { readonly kind: 'transpose'; readonly perm: readonly number[] }
  | { readonly kind: 'concat'; readonly axis: number }
  | { readonly kind: 'slice'; readonly begin: readonly number[] }
  | { readonly kind: 'pad'; readonly paddings: readonly (readonly [number, number])[]; readonly value: number };

/** `step` is tfjs's: 1 where x > 0, else 0; NaN stays. */
export type UnaryKind = (typeof UNARY_KINDS)[number];
export const UNARY_KINDS = [
  'neg',
  'abs',
  'exp',
  'log',
  'sqrt',
  'square',
  'reciprocal',
  'tanh',
  'sigmoid',
  'softplus',
  'relu',
  'step',
] as const;

export type BinaryKind = (typeof BINARY_KINDS)[number];
export const BINARY_KINDS = [
  'add',
  'sub',
  'mul',
  'div',
  'minimum',
  'maximum',
  'pow',
  'greater',
  'greaterEqual',
  'less',
  'lessEqual',
  'equal',
  'and',
] as const;

export interface Node {
  /** Unique within its graph. */
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Node[];
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A program with state: one call reads inputs and state, yields outputs and the next state. */
export interface Graph {
  readonly inputs: ReadonlyMap<string, Node>;
  readonly state: ReadonlyMap<string, { readonly before: Node; readonly after: Node }>;
  readonly outputs: ReadonlyMap<string, Node>;
}
