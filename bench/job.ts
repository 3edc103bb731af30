// What is left of the bare update rate in a whole training job over HTTP: HalfCheetah-v5, one update a step, evaluated every 5,000
// steps over ten episodes and checkpointed as often as asked for. Every few seconds the server is stopped (SIGSTOP) and the update alone is
// timed by `updates`: a shared machine changes its speed in the course of a job.
//   npm run --silent bench -- job --json [--engine E] [--threads N] [--steps N] [--checkpoint-seconds S]
import { type ChildProcess, execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApiClient } from '../scripts/api-client.ts';
import { readFlags } from '../scripts/flags.ts';
import { startServer } from '../scripts/server-process.ts';
import { type Agent, ended, type Job } from '../scripts/study/resources.ts';
import type { UpdateTiming } from './updates.ts';

/** Random steps, and a few with updates: what is not measured. */
const WARM_UP = { random: 1000, steps: 1500 } as const;
const EVALUATION = { every_timesteps: 5000, episodes: 10 } as const;

/** As long the job runs between two timings of the update alone. */
const SLICE_MS = 8000;

const values = readFlags({
  engine: { type: 'string', default: 'auto' },
  threads: { type: 'string', default: '1' },
  steps: { type: 'string', default: '15000' },
  'checkpoint-seconds': { type: 'string', default: '60' },
  json: { type: 'boolean', default: false },
});

interface Row {
  readonly engine: string;
  readonly threads: number;
  readonly steps: number;
  /** From the job's start to its end, less the time that it was stopped: the thread's start, evaluations and checkpoints included. */
  readonly steps_per_s: number;
  /** Updates a second with nothing beside them, each time that the job was stopped. */
  readonly updates_per_s: readonly number[];
  /** Steps a second over the mean of them. */
  readonly share: number;
}

const steps = Number(values.steps);
const { engine, seconds, rates } = await trainFor(steps);
const alone = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
const row: Row = {
  engine,
  threads: Number(values.threads),
  steps,
  steps_per_s: steps / seconds,
  updates_per_s: rates,
  share: steps / seconds / alone,
};
process.stdout.write(
  values.json
    ? `${JSON.stringify(row)}\n`
    : `${engine}  ${row.threads} thread(s)  ${row.steps_per_s.toFixed(1)} steps/s in the job, ${alone.toFixed(1)} updates/s alone (${rates.length} times): ${(100 * row.share).toFixed(1)} %\n`,
);

async function trainFor(total: number): Promise<{ engine: string; seconds: number; rates: number[] }> {
  const server = await startServer({ args: ['--threads', values.threads, '--max-running-jobs', '1'] });
  try {
    const api = new ApiClient(server.url);
    const { id } = await api.post<Agent>('/v1/agents', {
      algorithm: 'sac',
      spec_id: 'HalfCheetah-v5',
      hyperparameters: { learning_starts: WARM_UP.random },
      seed: 0,
    });
    const train = async (body: Readonly<Record<string, unknown>>): Promise<Job> => {
      const started = await api.post<Job>(`/v1/agents/${id}/train`, { engine: values.engine, ...body });
      const job = await ended(api, started.id, () => undefined);
      if (job.state !== 'succeeded')
        throw new Error(`The job ${job.state}: ${job.error?.message ?? 'no reason given'}`);
      return job;
    };
    await train({ total_timesteps: WARM_UP.steps });
    const timing = timeBetween(server.child);
    const job = await train({
      total_timesteps: total,
      evaluation: EVALUATION,
      checkpoint: { every_seconds: Number(values['checkpoint-seconds']) },
    });
    const { rates, stoppedMs } = await timing.end();
    const [from, to] = [job.started_at, job.ended_at].map((time) => Date.parse(time ?? ''));
    return {
      engine: job.config.engine,
      seconds: ((to ?? Number.NaN) - (from ?? Number.NaN) - stoppedMs) / 1000,
      rates,
    };
  } finally {
    await server.stop();
  }
}

/** Times the update alone again and again, with `child` stopped meanwhile, until `end` is called. */
function timeBetween(child: ChildProcess) {
  const over = new AbortController();
  const rates: number[] = [];
  let stoppedMs = 0;
  const loop = async () => {
    for (;;) {
      await sleep(SLICE_MS, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      const since = performance.now();
      child.kill('SIGSTOP');
      try {
        rates.push(await updatesPerSecond());
      } finally {
        child.kill('SIGCONT');
        stoppedMs += performance.now() - since;
      }
    }
  };
  const done = loop();
  return {
    async end() {
      over.abort();
      await done;
      if (rates.length === 0) throw new Error(`The job took less than ${SLICE_MS / 1000} s; give it more --steps.`);
      return { rates, stoppedMs };
    },
  };
}

/** In a process of its own, as the job has one. */
async function updatesPerSecond(): Promise<number> {
  const script = fileURLToPath(new URL('./updates.js', import.meta.url));
  const args = [script, '--json', '--engine', values.engine, '--threads', values.threads];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return (JSON.parse(stdout) as UpdateTiming).updates_per_s;
}
