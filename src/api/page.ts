// Pages on the wire.

import type { Page, PageQuery } from '../storage/page.ts';
import { InvalidRequest } from './problem.ts';

/** `page_size` and `page_token` of a query. Validation has filled the default in; the generated type does not know that. */
export function pageQueryOf(query: { page_size?: number; page_token?: string }): PageQuery {
  return { pageSize: query.page_size ?? 50, pageToken: query.page_token ?? null };
}

export function listOf<T, W>(page: Page<T>, toWire: (item: T) => W) {
  return {
    object: 'list' as const,
    data: page.data.map(toWire),
    next_page_token: page.nextPageToken,
    has_more: page.nextPageToken !== null,
  };
}

/** A page of a list that is in memory anyway; its token is the key of the last item. */
export function pageOfAll<T>(all: readonly T[], keyOf: (item: T) => string, query: PageQuery): Page<T> {
  const sorted = all.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const start = query.pageToken === null ? 0 : sorted.findIndex((item) => keyOf(item) === query.pageToken) + 1;
  if (query.pageToken !== null && start === 0) {
    const detail = `page_token is "${query.pageToken}", which no page gave; begin without one.`;
    throw new InvalidRequest(detail, [{ pointer: '/query/page_token', detail }]);
  }
  const data = sorted.slice(start, start + query.pageSize);
  const last = data.at(-1);
  const more = last !== undefined && start + data.length < sorted.length;
  return { data, nextPageToken: more ? keyOf(last) : null };
}
