// What a study reads of the API's resources; `openapi.yaml` has the whole of them.
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiClient } from '../api-client.ts';

export interface Agent {
  readonly id: string;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly timesteps: number;
  readonly checkpoint_id: string;
  /** The job that trains it or waits to. */
  readonly training_job_id: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Job {
  readonly id: string;
  readonly state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelling' | 'cancelled';
  readonly config: { readonly engine: string; readonly threads: number };
  readonly progress: { readonly timesteps: number; readonly steps_per_second: number };
  readonly metrics: Readonly<Record<string, number | string>>;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

export interface Checkpoint {
  readonly id: string;
  readonly job_id: string | null;
  readonly timesteps: number;
  readonly sha256: string;
}

/** Non-finite values are strings, as everywhere in the API. */
export interface MetricSeries {
  readonly key: string;
  readonly points: readonly (readonly [number, number | string])[];
}

export interface JobEvent {
  readonly type: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Server {
  readonly version: string;
  readonly engines: readonly { readonly name: string; readonly available: boolean; readonly reason: string | null }[];
}

interface Page<T> {
  readonly data: readonly T[];
  readonly next_page_token: string | null;
  readonly has_more: boolean;
}

/** All pages of a list. `path` may bring a query of its own. */
export async function listAll<T>(api: ApiClient, path: string): Promise<T[]> {
  const first = `${path}${path.includes('?') ? '&' : '?'}page_size=200`;
  const found: T[] = [];
  let page = await api.get<Page<T>>(first);
  found.push(...page.data);
  while (page.has_more && page.next_page_token !== null) {
    page = await api.get<Page<T>>(`${first}&page_token=${encodeURIComponent(page.next_page_token)}`);
    found.push(...page.data);
  }
  return found;
}

/** The job once it has ended; `watch` sees it every ten seconds until then. */
export async function ended(api: ApiClient, jobId: string, watch: (job: Job) => void): Promise<Job> {
  let lost = 0;
  for (;;) {
    try {
      const job = await api.get<Job>(`/v1/jobs/${jobId}?wait=10`);
      lost = 0;
      watch(job);
      if (job.state === 'succeeded' || job.state === 'failed' || job.state === 'cancelled') return job;
    } catch (error) {
      // `fetch` throws a TypeError where a connection is lost; over hours that may happen, and costs nothing to try again.
      if (!(error instanceof TypeError) || ++lost > 3) throw error;
      await pause(1000);
    }
  }
}
