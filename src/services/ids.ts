// Ids: a prefix that names the kind and a ULID, so that they sort by the time they were made.
import { decodeTime, monotonicFactory } from 'ulid';

const next = monotonicFactory();

export type IdPrefix = 'env' | 'agt' | 'job' | 'ckpt' | 'bkp';

export function newId(prefix: IdPrefix): string {
  return `${prefix}_${next().toLowerCase()}`;
}

/** When `id` was made, in milliseconds since 1970; null for what `newId` never made. */
export function timeOf(id: string, prefix: IdPrefix): number | null {
  const [, made, ulid] = /^([a-z]+)_([0-7][0-9a-hjkmnp-tv-z]{25})$/.exec(id) ?? [];
  return ulid !== undefined && made === prefix ? decodeTime(ulid) : null;
}
