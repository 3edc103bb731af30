// Pages on the wire.

import type { Page, PageQuery } from '../storage/page.ts';
import { InvalidRequest, quote } from './problem.ts';
import { labelsOf } from './wire/label.ts';

/** What the tokens of a list look like: the id of the last item, or the number of the last event. */
const TOKENS = {
  env: /^env_[0-9a-z]{26}$/,
  agt: /^agt_[0-9a-z]{26}$/,
  job: /^job_[0-9a-z]{26}$/,
  ckpt: /^ckpt_[0-9a-z]{26}$/,
  bkp: /^bkp_[0-9a-z]{26}$/,
  event: /^\d{1,16}$/,
  /** `pageOfAll` looks for it itself. */
  any: /^/,
} as const;

/** `page_size`, `page_token` and `label` of a query. Validation has filled the default in; the generated type does not know that. */
export function pageQueryOf(
  query: { page_size?: number; page_token?: string; label?: readonly string[] },
  token: keyof typeof TOKENS,
): PageQuery {
  const { page_size: pageSize = 50, page_token: pageToken = null } = query;
  // Compared as it is, anything would lead somewhere in the list, and nobody would notice.
  if (pageToken !== null && !TOKENS[token].test(pageToken)) throw strangeToken(pageToken);
  return { pageSize, pageToken, labels: labelsOf(query.label) };
}

function strangeToken(pageToken: string): InvalidRequest {
  const detail = `page_token is ${quote(pageToken)}, which no page gave; begin without one.`;
  return new InvalidRequest(detail, [{ pointer: '/query/page_token', detail }]);
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
  if (query.pageToken !== null && start === 0) throw strangeToken(query.pageToken);
  const data = sorted.slice(start, start + query.pageSize);
  const last = data.at(-1);
  const more = last !== undefined && start + data.length < sorted.length;
  return { data, nextPageToken: more ? keyOf(last) : null };
}
