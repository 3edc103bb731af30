// What is left of the bare update rate in a whole training job over HTTP: HalfCheetah-v5, one update a step, evaluated every 5,000
// steps over ten episodes and checkpointed as often as asked for. The update alone is timed by `updates` right before and after.
//   npm run --silent bench -- job --json [--engine E] [--threads N] [--steps N] [--checkpoint-seconds S]
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { ApiClient } from '../scripts/api-client.ts';
import { startServer } from '../scripts/server-process.ts';
import { type Agent, ended, type Job } from '../scripts/study/resources.ts';
import type { UpdateTiming } from './updates.ts';

/** Random steps, and a few with updates: what is not measured. */
const WARM_UP = { random: 1000, steps: 1500 } as const;
const EVALUATION = { every_timesteps: 5000, episodes: 10 } as const;

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'auto' },
    threads: { type: 'string', default: '1' },
    steps: { type: 'string', default: '15000' },
    'checkpoint-seconds': { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});

interface Row {
  readonly engine: string;
  readonly threads: number;
  readonly steps: number;
  /** From the job's start to its end: the thread's start, evaluations and checkpoints included. */
  readonly steps_per_s: number;
  /** Updates a second with nothing beside them: before the job and after it. */
  readonly updates_per_s: readonly [number, number];
  /** Steps a second over the mean of the two. */
  readonly share: number;
}

const steps = Number(values.steps);
const before = await updatesPerSecond();
const { engine, seconds } = await trainFor(steps);
const after = await updatesPerSecond();
const row: Row = {
  engine,
  threads: Number(values.threads),
  steps,
  steps_per_s: steps / seconds,
  updates_per_s: [before, after],
  share: (2 * steps) / seconds / (before + after),
};
process.stdout.write(
  values.json
    ? `${JSON.stringify(row)}\n`
    : `${engine}  ${row.threads} thread(s)  ${row.steps_per_s.toFixed(1)} steps/s in the job, ${before.toFixed(1)} and ${after.toFixed(1)} updates/s alone: ${(100 * row.share).toFixed(1)} %\n`,
);

async function trainFor(total: number): Promise<{ engine: string; seconds: number }> {
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
    const job = await train({
      total_timesteps: total,
      evaluation: EVALUATION,
      checkpoint: { every_seconds: Number(values['checkpoint-seconds']) },
    });
    const [from, to] = [job.started_at, job.ended_at].map((time) => Date.parse(time ?? ''));
    return { engine: job.config.engine, seconds: ((to ?? Number.NaN) - (from ?? Number.NaN)) / 1000 };
  } finally {
    await server.stop();
  }
}

/** In a process of its own, as the job has one. */
async function updatesPerSecond(): Promise<number> {
  const script = fileURLToPath(new URL('./updates.js', import.meta.url));
  const args = [script, '--json', '--engine', values.engine, '--threads', values.threads];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return (JSON.parse(stdout) as UpdateTiming).updates_per_s;
}
