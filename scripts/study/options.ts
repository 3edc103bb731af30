// The command line and the plan file, resolved into studies.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { StudyRequest, Values } from './unit-config.ts';

export const USAGE = `Usage:
  npm run study -- --spec HalfCheetah-v5 --steps 100000 [--option value …]   one study
  npm run study -- --plan bench/results/study/plan.json                      several, in order
  npm run study -- --report                                                  tables and plots of what is there, without running
  npm run study -- --verify [FILE.json]                                      repeat the prefix of a unit and compare
  npm run study -- --robustness HalfCheetah-v5/sac-v2                        its agents in a changed environment

  --spec         environment of GET /v1/env-specs
  --steps        timesteps of each unit
  --algo         algorithm of GET /v1/algorithms (sac)
  --set          key=json, a hyperparameter; may be repeated
  --env-kwargs   JSON object, keyword arguments of the environment ({})
  --wrappers     JSON list, around the environments of training alone ([]), such as [{"name":"TransformReward","kwargs":{"scale":10}}]
  --seeds        how many (3), and --seed-from the first of them (1)
  --eval-every   timesteps between evaluations (5000), of --eval-episodes episodes (10)
  --prefix-steps timesteps after learning_starts that --verify repeats (2000)
  --tag          part of the file names, for other settings of the same algorithm

  --jobs         units that run at the same time (2)
  --threads      threads of each (1)
  --engine       engine of GET /v1/server (auto)
  --data-dir     where the server keeps its data, so that an interrupted study goes on (data/study)
  --out          where the results go (bench/results/study)
`;

export interface Options {
  readonly mode: 'run' | 'report' | 'verify' | 'robustness';
  readonly studies: readonly StudyRequest[];
  /** The word after `--verify` (a file; null = the unit whose prefix is done soonest) or after `--robustness` (a group of units). */
  readonly subject: string | null;
  readonly jobs: number;
  readonly threads: number;
  readonly engine: string;
  readonly dataDir: string;
  readonly out: string;
}

/** What the user gave makes no sense; the message says which value and what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const DEFAULTS = {
  env_kwargs: {},
  wrappers: [],
  algo: 'sac',
  seeds: 3,
  seed_from: 1,
  set: {},
  eval_every: 5000,
  eval_episodes: 10,
  prefix_steps: 2000,
  tag: null,
} as const;

export function readOptions(argv: readonly string[]): Options {
  const { values: given, positionals } = parse(argv);
  if (positionals.length > (given.verify || given.robustness ? 1 : 0))
    throw new UsageError(`"${positionals.at(-1)}" is no option.\n\n${USAGE}`);
  const mode = given.verify ? 'verify' : given.report ? 'report' : given.robustness ? 'robustness' : 'run';
  return {
    mode,
    studies: mode === 'run' ? studiesOf(given) : [],
    subject: positionals[0] ?? null,
    jobs: wholeNumber('--jobs', given.jobs, 1),
    threads: wholeNumber('--threads', given.threads, 1),
    engine: given.engine,
    dataDir: given['data-dir'],
    out: given.out,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        spec: { type: 'string' },
        steps: { type: 'string' },
        algo: { type: 'string' },
        set: { type: 'string', multiple: true },
        'env-kwargs': { type: 'string' },
        wrappers: { type: 'string' },
        seeds: { type: 'string' },
        'seed-from': { type: 'string' },
        'eval-every': { type: 'string' },
        'eval-episodes': { type: 'string' },
        'prefix-steps': { type: 'string' },
        tag: { type: 'string' },
        plan: { type: 'string' },
        report: { type: 'boolean', default: false },
        verify: { type: 'boolean', default: false },
        robustness: { type: 'boolean', default: false },
        jobs: { type: 'string', default: '2' },
        threads: { type: 'string', default: '1' },
        engine: { type: 'string', default: 'auto' },
        'data-dir': { type: 'string', default: 'data/study' },
        out: { type: 'string', default: 'bench/results/study' },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

function studiesOf(given: ReturnType<typeof parse>['values']): StudyRequest[] {
  if (given.plan !== undefined) {
    if (given.spec !== undefined) throw new UsageError('Give --plan or --spec, not both.');
    return readPlan(given.plan);
  }
  if (given.spec === undefined || given.steps === undefined)
    throw new UsageError(`Give --spec and --steps, or --plan.\n\n${USAGE}`);
  const fields = {
    spec: given.spec,
    steps: numberOf(given.steps),
    algo: given.algo,
    set: given.set && Object.fromEntries(given.set.map(assignment)),
    env_kwargs: given['env-kwargs'] === undefined ? undefined : jsonOf('--env-kwargs', given['env-kwargs']),
    wrappers: given.wrappers === undefined ? undefined : jsonOf('--wrappers', given.wrappers),
    seeds: numberOf(given.seeds),
    seed_from: numberOf(given['seed-from']),
    eval_every: numberOf(given['eval-every']),
    eval_episodes: numberOf(given['eval-episodes']),
    prefix_steps: numberOf(given['prefix-steps']),
    tag: given.tag,
  };
  return [studyOf('', fields)];
}

function readPlan(file: string): StudyRequest[] {
  const plan = jsonOf(file, readFileSync(file, 'utf8'));
  if (!Array.isArray(plan)) throw new UsageError(`${file} is not a list of studies.`);
  return plan.map((item, index) => studyOf(`${file}, study ${index + 1}: `, item as Values));
}

/** Checks what the API cannot know; it checks the rest itself. */
function studyOf(where: string, given: Values): StudyRequest {
  const known = ['spec', 'steps', ...Object.keys(DEFAULTS)];
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new UsageError(`${where}There is no "${unknown}"; there are: ${known.join(', ')}.`);
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const study = { ...DEFAULTS, ...defined } as unknown as StudyRequest;
  const least = { steps: 1, seeds: 1, seed_from: 0, eval_every: 1, eval_episodes: 1, prefix_steps: 0 };
  for (const [name, minimum] of Object.entries(least))
    wholeNumber(`${where}${name}`, String(study[name as keyof typeof least]), minimum);
  for (const [name, value] of Object.entries({ spec: study.spec, algo: study.algo, tag: study.tag ?? 'none' }))
    if (typeof value !== 'string' || !/^[\w.-]+$/.test(value))
      throw new UsageError(`${where}${name} is ${JSON.stringify(value)}; it is to be a word that can name a file.`);
  return study;
}

/** `key=json`; what is no JSON is text, so that `variant=v1` needs no quotes. */
function assignment(text: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--set is "${text}"; give key=json, such as learning_rate=0.001.`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value];
  }
}

function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`${name} is "${text}"; give a whole number from ${least}.`);
}
