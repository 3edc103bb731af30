import type { JobEvent } from '../../storage/jobs.ts';
import type { Page } from '../../storage/page.ts';
import { GONE, type Handlers, json } from '../operation.ts';
import { listOf, pageQueryOf } from '../page.ts';
import { eventStream, SSE_HEADERS, type SseOptions } from '../plugins/sse.ts';
import { InvalidRequest, quote } from '../problem.ts';
import type { JobsService } from '../services.ts';
import { eventToWire, jobToWire, metricsToWire } from '../wire/job.ts';
import { eventFile } from '../wire/tensorboard.ts';

const ENDED = new Set(['succeeded', 'failed', 'cancelled']);

export function jobRoutes(jobs: JobsService, sse: SseOptions) {
  return {
    listJobs: async ({ query }) => {
      const filter = { state: query.state ?? null, type: query.type ?? null, agentId: query.agent_id ?? null };
      return json(200, listOf(jobs.list({ ...pageQueryOf(query, 'job'), ...filter }), jobToWire));
    },

    getJob: async ({ params, query, ...call }) => {
      const seconds = Number.parseInt(query.wait ?? '0', 10);
      const job = seconds === 0 ? jobs.get(params.job_id) : await jobs.wait(params.job_id, seconds, call.signal);
      return json(200, jobToWire(job));
    },

    deleteJob: async ({ params }) => {
      jobs.delete(params.job_id);
      return GONE;
    },

    cancelJob: async ({ params }) => json(200, jobToWire(jobs.cancel(params.job_id))),

    listJobEvents: async (call) => {
      const { pageSize, pageToken } = pageQueryOf(call.query, 'event');
      const after = Number(pageToken ?? call.headers['last-event-id'] ?? call.query.after ?? 0);
      const id = call.params.job_id;
      if (call.accepts !== 'text/event-stream') {
        const events = jobs.events(id, { after, limit: pageSize + 1 });
        return json(200, listOf(pageOfEvents(events, pageSize), eventToWire));
      }
      const atTheEnd = ENDED.has(jobs.get(id).state) && jobs.events(id, { after, limit: 1 }).length === 0;
      if (atTheEnd) return GONE;
      const body = eventStream({ jobs, id, after, signal: call.signal, ...sse });
      return { status: 200, type: 'text/event-stream', headers: SSE_HEADERS, body };
    },

    getJobMetrics: async ({ params, query }) => {
      // Defaults as in the contract, filled in by validation already.
      const { from_step: fromStep = 0, max_points: maxPoints = 1000 } = query;
      const keys = query.keys?.flatMap((key) => key.split(',')) ?? null;
      if (keys?.includes('')) {
        const detail = `keys is ${quote(String(query.keys))}; it must be names of metrics with one comma between two.`;
        throw new InvalidRequest(detail, [{ pointer: '/query/keys', detail }]);
      }
      return json(200, metricsToWire(params.job_id, jobs.metrics(params.job_id, { keys, fromStep, maxPoints })));
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

function pageOfEvents(events: readonly JobEvent[], pageSize: number): Page<JobEvent> {
  const data = events.slice(0, pageSize);
  return { data, nextPageToken: events.length > pageSize ? `${data.at(-1)?.id}` : null };
}
