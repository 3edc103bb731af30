// The infos of a vector environment: one array for each key, and under `_key` a mask of the sub-environments that gave one,
// as `VectorEnv._add_info` of gymnasium/vector/vector_env.py builds them.
import type { JsonTensor, Value } from '../spaces/space.ts';

/** By key: a list of values, a mask, or for an info that is a record (such as `final_info`) again infos. */
export interface Infos {
  readonly [key: string]: InfoColumn | Infos;
}
export type InfoColumn = readonly InfoCell[];
/** Null where a sub-environment gave nothing and the kind of value has no zero; arrays only as `final_obs`. */
export type InfoCell = number | string | boolean | null | Float32Array | Float64Array | readonly InfoCell[];

/** Infos of one sub-environment, or of none. */
export type InfoRow = Readonly<Record<string, unknown>>;

/** What an episode ended with, in the step that began the next one. */
export interface Final {
  readonly index: number;
  /** As JSON once it is on its way to a client. */
  readonly observation: Value | JsonTensor;
  readonly info: InfoRow;
}

/** Of a reset; null stands for what was not reset. */
export function resetInfos(infos: readonly (InfoRow | null)[]): Infos {
  return collectInfos(
    infos.length,
    infos.flatMap((info, i) => (info === null ? [] : [[i, info] as const])),
  );
}

export function stepInfos(infos: readonly InfoRow[], finals: readonly Final[]): Infos {
  const ends = finals.map(
    ({ index, observation, info }) => [index, { final_obs: observation, final_info: info }] as const,
  );
  return collectInfos(infos.length, [...ends, ...infos.entries()]);
}

type Building = { [key: string]: InfoCell[] | Building };

/** `count` sub-environments' infos, of which `rows` are those that gave any, by index. */
function collectInfos(count: number, rows: Iterable<readonly [index: number, info: InfoRow]>): Infos {
  const infos: Building = {};
  for (const [index, info] of rows) add(infos, count, index, info);
  return infos;
}

function add(infos: Building, count: number, index: number, info: InfoRow): void {
  for (const [key, value] of Object.entries(info)) {
    if (isRecord(value)) {
      infos[key] ??= {};
      add(infos[key] as Building, count, index, value);
    } else {
      // Gymnasium keeps observations apart, so that each can be taken as it is.
      const isObservation = key === 'final_obs';
      infos[key] ??= new Array<InfoCell>(count).fill(isObservation ? null : emptyOf(value));
      (infos[key] as InfoCell[])[index] = isObservation ? (value as InfoCell) : cellOf(value);
    }
    infos[`_${key}`] ??= new Array<InfoCell>(count).fill(false);
    (infos[`_${key}`] as InfoCell[])[index] = true;
  }
}

function isRecord(value: unknown): value is InfoRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** What numpy's arrays hold where nothing was written: zeros of the first value's kind and shape; None for other objects. */
function emptyOf(value: unknown): InfoCell {
  if (typeof value === 'number') return 0;
  if (typeof value === 'boolean') return false;
  const cell = cellOf(value);
  return Array.isArray(cell) ? cell.map(emptyOf) : null;
}

function cellOf(value: unknown): InfoCell {
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : (value as InfoCell);
}
