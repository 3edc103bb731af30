// `npm run demo`: the main job, over HTTP alone. Trains an agent, shows what it learnt, and fails where it learnt too little.
import { Presets, SingleBar } from 'cli-progress';
import { ApiClient } from './api-client.ts';
import { readFlags } from './flags.ts';
import { startServer } from './server-process.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly progress: { readonly timesteps: number; readonly steps_per_second: number; readonly eta_s: number | null };
  readonly metrics: Readonly<Record<string, number>>;
  readonly error: { readonly message: string } | null;
  readonly result: { readonly returns: readonly number[]; readonly return_mean: number } | null;
}

/** By how much the mean return must rise at least, beside three standard errors. */
const LEAST_RISE: Readonly<Record<string, number>> = { 'HalfCheetah-v5': 500 };
/**
 * Settings that learn something in minutes. With the defaults the temperature begins at 1 and takes most of 20,000 steps to
 * fall to where rewards count; that pays off later.
 */
const QUICK: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'HalfCheetah-v5': { learning_rate: 1e-3, temperature: 0.1, learning_starts: 1000 },
  'Pendulum-v1': { learning_rate: 1e-3 },
};
const EPISODES = 10;
const POINTS_ON_CURVE = 10;

const options = readFlags({
  spec: { type: 'string', default: 'HalfCheetah-v5' },
  steps: { type: 'string', default: '20000' },
  'learning-rate': { type: 'string' },
  seed: { type: 'string', default: '1' },
  keep: { type: 'boolean', default: false },
});

const { spec } = options;
const steps = wholeNumber('steps', options.steps, 1);
const seed = wholeNumber('seed', options.seed, 0);
const hyperparameters = {
  ...(QUICK[spec] ?? {}),
  ...(options['learning-rate'] !== undefined && { learning_rate: Number(options['learning-rate']) }),
};

const server = await startServer();
const api = new ApiClient(server.url);
let learnt = false;
try {
  learnt = await demonstrate();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
process.exitCode = learnt ? 0 : 1;
if (options.keep) {
  say(`\nThe server stays up at ${server.url} until Ctrl-C.`);
  process.once('SIGINT', () => void server.stop());
} else {
  await server.stop();
}

async function demonstrate(): Promise<boolean> {
  say(`Gymserve at ${server.url} — docs at ${server.url}/docs\n`);
  const agent = await api.post<{ id: string }>('/v1/agents', {
    algorithm: 'sac',
    spec_id: spec,
    seed,
    hyperparameters,
  });
  const path = `/v1/agents/${agent.id}`;
  say(`Agent ${agent.id}: SAC on ${spec}, seed ${seed}, ${JSON.stringify(hyperparameters)}.`);

  const before = await evaluate(path);
  say(`Untrained: ${summary(before)}`);

  await train(path);
  const after = await evaluate(path);
  say(`Trained:   ${summary(after)}`);

  await restoreAndAct(path);
  const { learnt: passed, verdict } = judge(before, after);
  say(`\n${verdict}`);
  return passed;
}

async function evaluate(path: string): Promise<readonly number[]> {
  const job = await finished(await api.post<Job>(`${path}/evaluate`, { episodes: EPISODES }));
  return job.result?.returns ?? [];
}

async function train(path: string): Promise<void> {
  const every = Math.max(1, Math.floor(steps / POINTS_ON_CURVE));
  const started = await api.post<Job>(`${path}/train`, {
    total_timesteps: steps,
    evaluation: { every_timesteps: every, episodes: 2 },
  });
  const bar = new SingleBar(
    {
      format: '{bar} {value}/{total} steps | {rate} steps/s | return {return} | ETA {left}',
      noTTYOutput: true,
      notTTYSchedule: 5000,
    },
    Presets.shades_classic,
  );
  bar.start(steps, 0, { rate: '-', return: '-', left: '-' });
  const job = await finished(started, ({ progress, metrics }) => {
    const { timesteps, steps_per_second: rate, eta_s: eta } = progress;
    const latest = metrics['rollout/return'];
    bar.update(timesteps, {
      rate: rate.toFixed(0),
      return: latest === undefined ? '-' : latest.toFixed(0),
      left: eta === null ? '-' : `${Math.ceil(eta)} s`,
    });
  });
  bar.stop();
  const { data } = await api.get<{ data: { key: string; points: [number, number][] }[] }>(
    `/v1/jobs/${job.id}/metrics?keys=eval/return_mean`,
  );
  drawCurve(data[0]?.points ?? []);
}

/** A checkpoint is made, restored, and acts in an environment that the server hosts. */
async function restoreAndAct(path: string): Promise<void> {
  const checkpoint = await api.post<{ id: string; size_bytes: number; timesteps: number }>(`${path}/checkpoints`);
  await api.post(`${path}/restore`, { checkpoint_id: checkpoint.id });
  const megabytes = (checkpoint.size_bytes / 1e6).toFixed(1);
  say(`Checkpoint ${checkpoint.id} (${checkpoint.timesteps} steps, ${megabytes} MB) written and restored.`);

  const environment = await api.post<{ id: string }>('/v1/environments', { spec_id: spec, seed });
  const home = `/v1/environments/${environment.id}`;
  const { observation } = await api.post<{ observation: number[] }>(`${home}/reset`);
  const { action } = await api.post<{ action: number[] }>(`${path}/act`, { observation, deterministic: true });
  const step = await api.post<{ reward: number }>(`${home}/step`, { action });
  say(
    `Its first action is [${action.map((value) => value.toFixed(3)).join(', ')}], worth a reward of ${step.reward.toFixed(3)}.`,
  );
  await api.delete(home);
}

async function finished(job: Job, watch: (job: Job) => void = () => undefined): Promise<Job> {
  let now = job;
  while (!['succeeded', 'failed', 'cancelled'].includes(now.state)) {
    now = await api.get<Job>(`/v1/jobs/${job.id}?wait=1`);
    watch(now);
  }
  if (now.state !== 'succeeded')
    throw new Error(`Job ${job.id} ${now.state}: ${now.error?.message ?? 'no reason given'}`);
  return now;
}

function judge(before: readonly number[], after: readonly number[]): { learnt: boolean; verdict: string } {
  const rise = mean(after) - mean(before);
  const error = Math.sqrt(variance(before) / before.length + variance(after) / after.length);
  const least = Math.max(3 * error, LEAST_RISE[spec] ?? 0);
  const learnt = rise > least;
  const comparison = `the mean return rose by ${rise.toFixed(0)}, where less than ${least.toFixed(0)} would not count`;
  return { learnt, verdict: learnt ? `It learnt: ${comparison}.` : `It did not learn enough: ${comparison}.` };
}

function drawCurve(points: readonly (readonly [number, number])[]): void {
  const values = points.map(([, value]) => value);
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  say('\nLearning curve (evaluation return by steps)');
  for (const [step, value] of points) {
    const width = 1 + Math.round((49 * (value - low)) / span);
    say(`${String(step).padStart(8)}  ${'█'.repeat(width).padEnd(50)} ${value.toFixed(0)}`);
  }
  say('');
}

function summary(returns: readonly number[]): string {
  return `return ${mean(returns).toFixed(0)} ± ${Math.sqrt(variance(returns)).toFixed(0)} over ${returns.length} episodes`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function variance(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1);
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  process.stderr.write(`--${name} is "${text}"; give a whole number from ${least}.\n`);
  return process.exit(1);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
