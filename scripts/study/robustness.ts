// How the return of trained agents degrades when their environment changes: what `POST …/evaluate` gives with `perturbations`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from '../api-client.ts';
import { type Spread, spread } from './aggregate.ts';
import { findEvidence, writeWhole } from './evidence.ts';
import { UsageError } from './options.ts';
import { type Agent, ended, type Job } from './resources.ts';
import { knownAgents } from './run-unit.ts';
import { startStudyServer } from './study-server.ts';

/** One thing that is changed, and how far. */
interface Sweep {
  readonly name: string;
  readonly wrapper: string;
  readonly kwarg: string;
  /** What it is where nothing is changed. */
  readonly nominal: number;
  readonly values: readonly number[];
}

const SWEEPS: readonly Sweep[] = [
  { name: 'mass (factor)', wrapper: 'ScaleMass', kwarg: 'scale', nominal: 1, values: [0.5, 0.75, 1.25, 1.5, 2] },
  {
    name: 'gravity (m/s²)',
    wrapper: 'SetGravity',
    kwarg: 'gravity',
    nominal: 9.81,
    values: [4.9, 7.4, 12.3, 14.7, 19.6],
  },
  { name: 'joint friction (N m)', wrapper: 'JointFriction', kwarg: 'friction', nominal: 0, values: [0.5, 1, 2, 4, 8] },
  {
    name: 'observation noise (std)',
    wrapper: 'ObservationNoise',
    kwarg: 'deviation',
    nominal: 0,
    values: [0.01, 0.03, 0.1, 0.3],
  },
  { name: 'action delay (steps)', wrapper: 'ActionDelay', kwarg: 'delay', nominal: 0, values: [1, 2, 3, 4] },
];

/** Mean returns of a group's agents with one thing at one value. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly nominal: number;
  /** Over seeds. */
  readonly spread: Spread;
}

interface Result {
  readonly return_mean: number;
  readonly return_std: number;
  readonly length_mean: number;
}

const ENDING = '.robustness.csv';

/** Evaluates the last policies of every unit of `group`; returns the exit code. */
export async function measureRobustness(options: {
  readonly group: string;
  readonly dataDir: string;
  readonly out: string;
  readonly jobs: number;
  readonly threads: number;
}): Promise<number> {
  const { group, dataDir, out } = options;
  const units = findEvidence(out).filter(({ evidence }) => evidence.group === group);
  if (units.length === 0)
    throw new UsageError(`There is no unit of "${group}" in ${out}; give a name such as HalfCheetah-v5/sac-v2.`);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const server = await startStudyServer(options, say);
  try {
    const api = new ApiClient(server.url);
    const agents = await knownAgents(api);
    const rows = await Promise.all(
      units.map(async ({ evidence }) => {
        const agent = agents.get(evidence.config_hash);
        if (agent === undefined || agent.timesteps !== evidence.final.timesteps)
          throw new UsageError(
            `${dataDir} has no agent of ${evidence.name}, trained to its end; run its study with this --data-dir first.`,
          );
        const { seed, evaluation } = evidence.config;
        const measured = await sweep(api, agent, evaluation, (line) => say(`${evidence.name}: ${line}`));
        return measured.map((cells) => [...cells.slice(0, 2), seed, ...cells.slice(2)].join(','));
      }),
    );
    const head = 'perturbation,value,seed,return_mean,return_std,length_mean';
    say(writeWhole(`${join(out, group)}${ENDING}`, `${[head, ...rows.flat()].join('\n')}\n`));
    return 0;
  } finally {
    await server.stop();
  }
}

/** Rows of name, value, and what the return was. A change that does not fit the environment is said and left out. */
async function sweep(
  api: ApiClient,
  { id }: Agent,
  { episodes, seed }: { readonly episodes: number; readonly seed: number },
  say: (line: string) => void,
): Promise<(string | number)[][]> {
  const rows: (string | number)[][] = [];
  for (const { name, wrapper, kwarg, nominal, values } of SWEEPS) {
    const perturbations = values.map((value) => ({ name: wrapper, kwargs: { [kwarg]: value } }));
    const started = await api
      .post<Job>(`/v1/agents/${id}/evaluate`, { episodes, seed, perturbations })
      .catch((error: unknown) => say(`without ${name}: ${error instanceof Error ? error.message : String(error)}`));
    if (started === undefined) continue;
    const job = await ended(api, started.id, () => undefined);
    if (job.state !== 'succeeded' || job.result === null)
      throw new Error(`Job ${job.id} ${job.state}: ${job.error?.message ?? 'no reason given'}`);
    const { perturbations: perturbed, ...plain } = job.result as unknown as Result & { perturbations: Result[] };
    const results = [{ value: nominal, result: plain }, ...values.map((value, i) => ({ value, result: perturbed[i] }))];
    for (const { value, result } of results)
      if (result !== undefined) rows.push([name, value, result.return_mean, result.return_std, result.length_mean]);
    say(`${name}: ${results.map(({ value, result }) => `${value} → ${result?.return_mean.toFixed(0)}`).join(', ')}`);
  }
  return rows;
}

/** What was measured of `group`, by perturbation, by value; null where nothing was. */
export function readRobustness(folder: string, group: string): readonly Measured[] | null {
  let text: string;
  try {
    text = readFileSync(`${join(folder, group)}${ENDING}`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const rows = text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',') as [string, string, string, string]);
  return SWEEPS.flatMap(({ name, nominal, values }) =>
    [nominal, ...values]
      .sort((a, b) => a - b)
      .flatMap((value) => {
        const means = rows.filter((row) => row[0] === name && Number(row[1]) === value).map((row) => Number(row[3]));
        return means.length === 0 ? [] : [{ name, value, nominal, spread: spread(means) }];
      }),
  );
}
