// The metrics of a unit, gathered from its jobs, and as CSV.
import type { MetricSeries } from './resources.ts';

/** By key, by timestep. */
export type Metrics = ReadonlyMap<string, ReadonlyMap<number, number | string>>;

export interface JobPart {
  /** Timesteps that the agent had when the job began. */
  readonly from: number;
  readonly series: readonly MetricSeries[];
}

/** Keys that lead every table, in this order; others follow by name. */
const EVALUATION_KEYS = ['eval/return_mean', 'eval/return_std', 'eval/length_mean'] as const;
const [RETURN_MEAN] = EVALUATION_KEYS;

/** One run out of its parts, in order. Where a job failed and the next began before its end, the next one counts. */
export function joinParts(parts: readonly JobPart[]): Metrics {
  const joined = new Map<string, Map<number, number | string>>();
  for (const [index, { series }] of parts.entries()) {
    const end = parts[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    for (const { key, points } of series) {
      const values = joined.get(key) ?? new Map<number, number | string>();
      joined.set(key, values);
      for (const [step, value] of points) if (step <= end) values.set(step, value);
    }
  }
  return joined;
}

/**
 * A row for each evaluation. What is not measured at that very timestep (an episode ends when it ends) is the newest value
 * since the row before, or empty.
 */
export function evaluationTable(metrics: Metrics): string {
  const steps = sorted(metrics.get(RETURN_MEAN)?.keys() ?? []);
  const keys = orderedKeys(metrics);
  const rows = steps.map((step, index) => {
    const after = steps[index - 1] ?? -1;
    return [step, ...keys.map((key) => newest(metrics.get(key), after, step))].join(',');
  });
  return `${[['timesteps', ...keys].join(','), ...rows].join('\n')}\n`;
}

/** Every value up to `end`, one a line: what two runs are compared by. */
export function prefixTable(metrics: Metrics, end: number): string {
  const rows = orderedKeys(metrics).flatMap((key) => {
    const values = [...(metrics.get(key) ?? [])].filter(([step]) => step <= end);
    return values.sort(([a], [b]) => a - b).map(([step, value]) => `${key},${step},${value}`);
  });
  return `${['key,timesteps,value', ...rows].join('\n')}\n`;
}

function newest(values: ReadonlyMap<number, number | string> | undefined, after: number, to: number): string {
  const exact = values?.get(to);
  if (exact !== undefined) return String(exact);
  const step = sorted(values?.keys() ?? []).findLast((candidate) => candidate > after && candidate < to);
  return step === undefined ? '' : String(values?.get(step));
}

function orderedKeys(metrics: Metrics): string[] {
  const rank = (key: string) => (EVALUATION_KEYS.indexOf(key as typeof RETURN_MEAN) + 1 || 4) - 1;
  return [...metrics.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function sorted(steps: Iterable<number>): number[] {
  return [...steps].sort((a, b) => a - b);
}
