// Ids: a prefix that names the kind and a ULID, so that they sort by the time they were made.
import { monotonicFactory } from 'ulid';

const next = monotonicFactory();

export type IdPrefix = 'env' | 'agt' | 'job' | 'ckpt';

export function newId(prefix: IdPrefix): string {
  return `${prefix}_${next().toLowerCase()}`;
}
