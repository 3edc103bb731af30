// Pages of a list ordered by id, newest first. Ids begin with their time, so the last id of a page is where the next goes on.

export interface PageQuery {
  readonly pageSize: number;
  /** `nextPageToken` of the page before; null for the first. */
  readonly pageToken: string | null;
  /** Labels that all of it has; where absent, any. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Page<T> {
  readonly data: T[];
  readonly nextPageToken: string | null;
}

/** A page from rows that were asked for with one more than `pageSize`. */
export function pageOf<T extends { readonly id: string }>(rows: readonly T[], pageSize: number): Page<T> {
  const data = rows.slice(0, pageSize);
  return { data, nextPageToken: rows.length > pageSize ? (data.at(-1)?.id ?? null) : null };
}

/** Sorts after every id, so that a query without a token begins at the newest. */
export const NEWEST = '~';
