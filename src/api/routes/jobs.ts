import type { Page } from '../../storage/page.ts';
import { GONE, type Handlers, json } from '../operation.ts';
import { listOf, pageQueryOf } from '../page.ts';
import { eventStream, SSE_HEADERS, type SseOptions } from '../plugins/sse.ts';
import { InvalidRequest, quote } from '../problem.ts';
import type { JobsService } from '../services.ts';
import { eventToWire, jobToWire, logLineToText, logLineToWire, metricsToCsv, metricsToWire } from '../wire/job.ts';
import { eventFile } from '../wire/tensorboard.ts';

const ENDED = new Set(['succeeded', 'failed', 'cancelled']);

export function jobRoutes(jobs: JobsService, sse: SseOptions) {
  return {
    listJobs: async ({ query }) => {
      const filter = { state: query.state ?? null, type: query.type ?? null, agentId: query.agent_id ?? null };
      return json(200, listOf(jobs.list({ ...pageQueryOf(query, 'job'), ...filter }), jobToWire));
    },

    getJob: async (call) => {
      const { params, query } = call;
      const seconds = Number.parseInt(query.wait ?? '0', 10);
      // The signal listens as soon as it is read.
      const job = seconds === 0 ? jobs.get(params.job_id) : await jobs.wait(params.job_id, seconds, call.signal);
      return json(200, jobToWire(job));
    },

    deleteJob: async ({ params }) => {
      jobs.delete(params.job_id);
      return GONE;
    },

    cancelJob: async ({ params }) => json(200, jobToWire(jobs.cancel(params.job_id))),

    pauseJob: async ({ params }) => json(200, jobToWire(jobs.pause(params.job_id))),

    resumeJob: async ({ params }) => json(200, jobToWire(jobs.resume(params.job_id))),

    listJobEvents: async (call) => {
      const { pageSize, pageToken } = pageQueryOf(call.query, 'event');
      const after = Number(pageToken ?? call.headers['last-event-id'] ?? call.query.after ?? 0);
      const id = call.params.job_id;
      if (call.accepts !== 'text/event-stream') {
        const events = jobs.events(id, { after, limit: pageSize + 1 });
        return json(200, listOf(pageById(events, pageSize), eventToWire));
      }
      const atTheEnd = ENDED.has(jobs.get(id).state) && jobs.events(id, { after, limit: 1 }).length === 0;
      if (atTheEnd) return GONE;
      const body = eventStream({ jobs, id, after, signal: call.signal, ...sse });
      return { status: 200, type: 'text/event-stream', headers: SSE_HEADERS, body };
    },

    listJobLogs: async ({ params, query, accepts }) => {
      const { pageSize, pageToken } = pageQueryOf(query, 'event');
      const page = pageById(jobs.logs(params.job_id, { after: Number(pageToken ?? 0), limit: pageSize + 1 }), pageSize);
      if (accepts !== 'text/plain') return json(200, listOf(page, logLineToWire));
      return { status: 200, type: 'text/plain', body: page.data.map(logLineToText).join('') };
    },

    getJobMetrics: async ({ params, query, accepts }) => {
      // Defaults as in the contract, filled in by validation already.
      const { from_step: fromStep = 0, max_points: maxPoints = 1000 } = query;
      const keys = query.keys?.flatMap((key) => key.split(',')) ?? null;
      if (keys?.includes('')) {
        const detail = `keys is ${quote(String(query.keys))}; it must be names of metrics with one comma between two.`;
        throw new InvalidRequest(detail, [{ pointer: '/query/keys', detail }]);
      }
      const series = jobs.metrics(params.job_id, { keys, fromStep, maxPoints });
      if (accepts === 'text/csv') return { status: 200, type: 'text/csv', body: metricsToCsv(series) };
      return json(200, metricsToWire(params.job_id, series));
    },

    getJobTensorboard: async ({ params, query }) => {
      const job = jobs.get(params.job_id);
      const series = jobs.metrics(job.id, { keys: null, fromStep: 0, maxPoints: query.max_points ?? 1000 });
      const headers = { 'Content-Disposition': `attachment; filename="events.out.tfevents.${job.id}"` } as const;
      const body = eventFile(job.startedAt ?? job.createdAt, series);
      return { status: 200, type: 'application/octet-stream', headers, body };
    },
  } satisfies Partial<Handlers>;
}

/** A page of what counts up, asked for with one more than `pageSize`. */
function pageById<T extends { readonly id: number | null }>(all: readonly T[], pageSize: number): Page<T> {
  const data = all.slice(0, pageSize);
  return { data, nextPageToken: all.length > pageSize ? `${data.at(-1)?.id}` : null };
}
