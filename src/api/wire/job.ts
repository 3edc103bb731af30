// Jobs, their events and their metrics on the wire.

import { progressFields } from '../../services/job-progress.ts';
import type { JobRecord } from '../../services/jobs.ts';
import type { JobEvent, JobLogLine, MetricSeries } from '../../storage/jobs.ts';
import type { Schema } from '../operation.ts';

export function jobToWire(job: JobRecord): Schema<'Job'> {
  return {
    id: job.id,
    object: 'job',
    type: job.type,
    state: job.state,
    agent_id: job.agentId,
    config: job.config,
    seed: job.seed,
    progress: progressFields(job.progress),
    metrics: job.metrics,
    error: job.error,
    result: job.result,
    labels: job.labels,
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    ended_at: job.endedAt?.toISOString() ?? null,
    updated_at: job.updatedAt.toISOString(),
  };
}

export function eventToWire({ id, type, time, data }: JobEvent): Schema<'JobEvent'> {
  return { id, type, time: time.toISOString(), data };
}

export function metricsToWire(jobId: string, series: readonly MetricSeries[]): Schema<'JobMetrics'> {
  return {
    object: 'job_metrics',
    job_id: jobId,
    data: series.map(({ key, points }) => ({ key, points: points.map(([step, value]) => [step, value]) })),
  };
}

/** RFC 4180, one point a line; numbers that are none as in JSON. */
export function metricsToCsv(series: readonly MetricSeries[]): string {
  const lines = series.flatMap(({ key, points }) => points.map(([step, value]) => `${csvField(key)},${step},${value}`));
  return ['key,step,value', ...lines].map((line) => `${line}\r\n`).join('');
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function logLineToWire({ id, time, message }: JobLogLine): Schema<'JobLogLine'> {
  return { id, time: time.toISOString(), message };
}

export function logLineToText({ time, message }: JobLogLine): string {
  return `${time.toISOString()} ${message}\n`;
}
