// What the server measures of itself, in the words of Prometheus. Values that services hold are read when somebody asks; only
// requests are counted here.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { JobState } from '../storage/jobs.ts';
import type { Environments } from './environments.ts';
import { JOB_STATES } from './job-states.ts';
import type { Jobs } from './jobs.ts';
import type { Scheduler } from './scheduler.ts';

/** From a step of a small environment to a wait for a job. */
const REQUEST_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<'operation' | 'status'>;

  constructor({
    version,
    environments,
    jobs,
    scheduler,
  }: {
    readonly version: string;
    readonly environments: Pick<Environments, 'count' | 'limit' | 'steps'>;
    readonly jobs: Pick<Jobs, 'countsByState' | 'pace'>;
    readonly scheduler: Pick<Scheduler, 'slots'>;
  }) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name: `gymserve_${name}`,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    new Gauge({ name: 'gymserve_info', help: 'The version, as a label.', labelNames: ['version'], registers }).set(
      { version },
      1,
    );
    gauge('environments', 'Environments that live, sub-environments counted.', () => environments.count);
    gauge('environments_limit', 'Environments that may live at once.', () => environments.limit);
    gauge('job_slots', 'Jobs that may run at once.', () => scheduler.slots);
    gauge('job_steps_per_second', 'Steps a second of all jobs that run.', () => jobs.pace().stepsPerSecond);
    gauge('job_updates_per_second', 'Updates a second of all jobs that run.', () => jobs.pace().updatesPerSecond);
    new Gauge<'state'>({
      name: 'gymserve_jobs',
      help: 'Jobs that are stored, by state.',
      labelNames: ['state'],
      registers,
      collect() {
        const counts: ReadonlyMap<JobState, number> = jobs.countsByState();
        for (const state of JOB_STATES) this.set({ state }, counts.get(state) ?? 0);
      },
    });
    new Counter({
      name: 'gymserve_environment_steps_total',
      help: 'Steps of environments that clients asked for, rollouts and sub-environments counted; those of jobs are not.',
      registers,
      collect() {
        this.reset();
        this.inc(environments.steps);
      },
    });
    this.#requests = new Histogram({
      name: 'gymserve_http_request_duration_seconds',
      help: 'From the first byte of a request to the last of its answer, by operation of the contract and status.',
      labelNames: ['operation', 'status'],
      buckets: REQUEST_SECONDS,
      registers,
    });
  }

  /** `operation` is one of the contract's, or a word for all others: whoever asks for made-up paths makes no new series. */
  request(operation: string, status: number, seconds: number): void {
    this.#requests.observe({ operation, status }, seconds);
  }

  /** Prometheus' text format, version 0.0.4. */
  async text(): Promise<string> {
    return await this.#registry.metrics();
  }
}
