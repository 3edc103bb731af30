// Transitions as clients send them, in columns, checked as a whole and kept in a file until a job learns from them.
import type { ActionCodec } from '../agent/action-codec.ts';
import type { AgentSpaces, Transition } from '../agent/algorithm.ts';
import { fromDocument } from '../envs/spaces/from-document.ts';
import { isFlat, show } from '../envs/spaces/json-tensor.ts';
import type { SpaceDocument, Value } from '../envs/spaces/space.ts';
import { rowsOf, type TensorData } from '../envs/spaces/tensor-data.ts';
import { DomainError } from '../errors.ts';
import { type Tensor, type Tensors, take, vector } from '../math/tensor.ts';
import { decodeSafetensors, encodeSafetensors } from '../safetensors.ts';
import type { Blobs } from '../storage/blobs.ts';
import type { TransitionBatch } from '../storage/transitions.ts';
import { asArray } from '../training/evaluate.ts';

const VERSION = 1;
const DOCUMENT = { format_version: VERSION, kind: 'transitions' };
/** As the contract says of lists. */
const MAX_ROWS = 10_000;

/** Of at least one transition, as many rows in each. */
export interface TransitionColumns {
  readonly observations: unknown;
  readonly actions: unknown;
  readonly rewards: unknown;
  readonly next_observations: unknown;
  readonly terminations: unknown;
  /** Null = none was cut off. */
  readonly truncations: unknown;
}

/**
 * The file of `columns`, and how many transitions it holds. Throws `observation_out_of_space`, `action_out_of_space` or
 * `invalid_transitions` naming the first place that is wrong.
 */
export function encodeTransitions(
  columns: TransitionColumns,
  spaces: AgentSpaces,
): { readonly count: number; readonly file: Uint8Array } {
  const observations = rowsIn(columns.observations, 'observations');
  const count = observations.length;
  if (count < 1 || count > MAX_ROWS)
    throw invalid(`observations has ${count} rows; send 1 to ${MAX_ROWS} transitions at a time.`);
  const listOf = (name: keyof TransitionColumns) => {
    const rows = rowsIn(columns[name], name);
    if (rows.length === count) return rows;
    throw invalid(`${name} has ${rows.length} rows, and observations has ${count}; send as many of each.`);
  };
  const truncations = columns.truncations === null ? observations.map(() => false) : listOf('truncations');
  const tensors: Tensors = {
    observations: elements(observations, spaces.observation, 'observation'),
    actions: elements(listOf('actions'), spaces.action, 'action'),
    rewards: vector(Float64Array.from(listOf('rewards'), rewardAt)),
    next_observations: elements(listOf('next_observations'), spaces.observation, 'observation', 'next_'),
    terminations: vector(Uint8Array.from(listOf('terminations'), (flag, i) => flagAt(flag, `terminations[${i}]`))),
    truncations: vector(Uint8Array.from(truncations, (flag, i) => flagAt(flag, `truncations[${i}]`))),
  };
  return { count, file: encodeSafetensors(DOCUMENT, tensors) };
}

/** The transitions of `batches`, a batch in memory at a time. Throws `checkpoint_corrupt` where a file is missing or was changed. */
export async function* readTransitions(
  blobs: Blobs,
  batches: readonly TransitionBatch[],
  codec: ActionCodec,
): AsyncGenerator<Transition> {
  for (const batch of batches) {
    const what = `transitions ${batch.first} to ${batch.first + batch.count - 1}`;
    const { tensors } = decodeSafetensors(await blobs.read(batch, what), { what, version: VERSION });
    const observations = rowReader(tensors, 'observations');
    const actions = rowReader(tensors, 'actions');
    const nextObservations = rowReader(tensors, 'next_observations');
    const rewards = take(tensors, 'rewards', Float64Array).data;
    const terminations = take(tensors, 'terminations', Uint8Array).data;
    const truncations = take(tensors, 'truncations', Uint8Array).data;
    for (let i = 0; i < batch.count; i++) {
      yield {
        observation: observations(i),
        action: codec.fromSpace(actions(i)),
        reward: rewards[i] as number,
        nextObservation: nextObservations(i),
        terminated: terminations[i] === 1,
        truncated: truncations[i] === 1,
      };
    }
  }
}

function rowsIn(column: unknown, name: string): readonly unknown[] {
  if (Array.isArray(column)) return column;
  const [rows = 0] = isFlat(column) ? column.shape : [];
  // Not made to be counted.
  if (rows > MAX_ROWS) throw invalid(`${name} has ${rows} rows; send 1 to ${MAX_ROWS} transitions at a time.`);
  if (isFlat(column) && column.shape.length > 0) return rowsOf(column as TensorData);
  throw invalid(`${name} is ${show(column)}; send a list with one row for each transition.`);
}

/** [rows, …], in the dtype of the space. `prefix` is what the column is called before "actions" or "observations". */
function elements(
  rows: readonly unknown[],
  document: SpaceDocument,
  what: 'action' | 'observation',
  prefix = '',
): Tensor {
  const space = fromDocument(document);
  const parsed = rows.map((row, i) => {
    const value = named(prefix, () => space.parse(row, what, `s[${i}]`));
    const numbers = asArray(value);
    const wrong = numbers.find((x) => !isHeld(x));
    if (wrong !== undefined)
      throw outOf(what, `${prefix}${what}s[${i}] holds ${wrong}; send finite numbers that float32 can hold.`);
    if (what === 'action' && !space.contains(value))
      throw outOf(
        what,
        `actions[${i}] is ${show(Array.from(numbers))}, beyond the bounds of the action space; send what the actuators were told, within the bounds.`,
      );
    return numbers;
  });
  const size = parsed[0]?.length ?? 0;
  const isFloat32 = document.type === 'Box' && document.dtype === 'float32';
  const data = new (isFloat32 ? Float32Array : Float64Array)(rows.length * size);
  for (const [i, numbers] of parsed.entries()) data.set(numbers, i * size);
  return { shape: [rows.length, size], data };
}

/** `parse`, whose errors begin with the name of a column without its prefix. */
function named(prefix: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (prefix === '' || !(error instanceof DomainError)) throw error;
    throw new DomainError(error.code, `${prefix}${error.message}`, { cause: error });
  }
}

function rewardAt(value: unknown, i: number): number {
  const reward = isFlat(value) ? Number(value.data[0]) : value;
  if (typeof reward === 'number' && isHeld(reward)) return reward;
  throw invalid(`rewards[${i}] is ${show(reward)}; send finite numbers that float32 can hold.`);
}

/** The replay is float32, in which 1e39 is infinite; an agent that learnt from that would be lost. */
function isHeld(number: number): boolean {
  return Number.isFinite(Math.fround(number));
}

function flagAt(value: unknown, place: string): number {
  const flag = isFlat(value) && value.dtype === 'bool' ? value.data[0] === 1 : value;
  if (typeof flag === 'boolean') return Number(flag);
  throw invalid(`${place} is ${show(flag)}; send true or false (in MessagePack a tensor of bool).`);
}

/** Row `i` of a column as `elements` wrote it. */
function rowReader(tensors: Tensors, name: string): (i: number) => Float32Array | Float64Array {
  const { shape, data } = tensors[name] as Tensor<Float32Array | Float64Array>;
  const [, size = 0] = shape;
  return (i) => data.subarray(i * size, (i + 1) * size);
}

const invalid = (detail: string): DomainError => new DomainError('invalid_transitions', detail);

const outOf = (what: 'action' | 'observation', detail: string): DomainError =>
  new DomainError(`${what}_out_of_space`, detail);
