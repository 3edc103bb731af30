// Keeps a fuzzed server small: what requests have made and left behind is deleted or cancelled after a while.
import type { ApiClient } from '../api-client.ts';

interface Resource {
  readonly id: string;
  readonly created_at: string;
}

interface Page {
  readonly data: readonly Resource[];
}

const EVERY_MS = 5000;
/** Longer than a sequence of requests takes that uses what its first one made. */
const AFTER_MS = 60_000;

/** Returns how to stop. What is in `keep` stays. */
export function startReaper(api: ApiClient, keep: ReadonlySet<string>): () => Promise<void> {
  let isOver = false;
  let wake = () => {};
  const work = (async () => {
    while (!isOver) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, EVERY_MS).unref();
      });
      if (!isOver) await reap(api, keep).catch(() => undefined);
    }
  })();
  return async () => {
    isOver = true;
    wake();
    await work;
  };
}

async function reap(api: ApiClient, keep: ReadonlySet<string>): Promise<void> {
  const old = async (path: string) => {
    const { data } = await api.get<Page>(path);
    return data.filter(({ id, created_at }) => !keep.has(id) && Date.now() - Date.parse(created_at) > AFTER_MS);
  };
  for (const state of ['running', 'queued', 'paused']) {
    for (const { id } of await old(`/v1/jobs?state=${state}&page_size=200`))
      await gone(api.post(`/v1/jobs/${id}/cancel`));
  }
  for (const { id } of await old('/v1/environments?page_size=200')) await gone(api.delete(`/v1/environments/${id}`));
}

/** The fuzzer may have been faster. */
async function gone(request: Promise<unknown>): Promise<void> {
  await request.catch(() => undefined);
}
