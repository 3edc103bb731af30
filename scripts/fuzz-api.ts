// `bash scripts/fuzz-api.sh`: schemathesis against live servers, one with keys and one without. Ends with 1 where anything was found.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyLine, makeKey } from '../src/api-keys.ts';
import { ApiClient } from './api-client.ts';
import { furnish, type Ids } from './fuzz-api/furnish.ts';
import { startReaper } from './fuzz-api/reaper.ts';
import { startServer } from './server-process.ts';

interface Report {
  readonly complete: boolean;
  readonly test_cases: { readonly generated: number; readonly unique_failures: number; readonly errored: number };
}

/** Answers by operation and status. */
type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

interface Outcome {
  readonly isClean: boolean;
  readonly report: Report;
  readonly counts: Counts;
  readonly seconds: number;
  /** Resident memory of the server in MiB, furnished and at the end. */
  readonly rssMib: readonly [number, number];
}

/** How many random cases an operation gets where nothing is said: about ten minutes on two cores that do nothing else. */
const MAX_EXAMPLES = 40;
const CONFIG = 'scripts/fuzz-api/schemathesis.toml';

const [schemathesis = '', seedText, examplesText] = process.argv.slice(2);
const seed = wholeNumber('seed', seedText) ?? Math.floor((Date.now() / 1000) % 2 ** 31);
const maxExamples = wholeNumber('max-examples', examplesText) ?? MAX_EXAMPLES;
const folder = mkdtempSync(join(tmpdir(), 'gymserve-fuzz-'));
const log = (line: string) => void process.stdout.write(`${line}\n`);

const outcomes: [string, Outcome][] = [];
try {
  log(`seed ${seed}, ${maxExamples} examples`);
  outcomes.push(['with keys', await fuzz('keys', ['examples', 'coverage', 'fuzzing', 'stateful'])]);
  outcomes.push(['without keys', await fuzz('open', ['examples', 'coverage'])]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const [name, { counts }] of outcomes) {
  log(`\nAnswers of the server ${name}:`);
  for (const [operation, byStatus] of Object.entries(counts).sort()) {
    const statuses = Object.entries(byStatus).sort();
    const all = statuses.reduce((sum, [, count]) => sum + count, 0);
    log(
      `  ${operation.padEnd(24)} ${String(all).padStart(6)}  ${statuses.map(([status, n]) => `${status}:${n}`).join(' ')}`,
    );
  }
}
for (const [name, { report, seconds, rssMib }] of outcomes) {
  const { generated, unique_failures, errored } = report.test_cases;
  log(
    `${name}: ${generated} cases in ${seconds} s, ${unique_failures} failures, ${errored} errors; resident memory ${rssMib.join(' -> ')} MiB`,
  );
}
log(`seed ${seed}, ${maxExamples} examples: ${outcomes.every(([, { isClean }]) => isClean) ? 'clean' : 'NOT clean'}`);
process.exit(outcomes.length === 2 && outcomes.every(([, { isClean }]) => isClean) ? 0 : 1);

async function fuzz(mode: 'keys' | 'open', phases: readonly string[]): Promise<Outcome> {
  const at = (name: string) => join(folder, `${mode}-${name}`);
  const { key, kept } = makeKey(['admin']);
  const keysFile = at('api-keys');
  writeFileSync(keysFile, keyLine(kept));
  const server = await startServer({
    args: [
      '--max-running-jobs',
      '1',
      '--max-queued-jobs',
      '1000',
      ...(mode === 'keys' ? ['--api-keys-file', keysFile] : []),
    ],
  });
  const begun = Date.now();
  try {
    const api = new ApiClient(server.url, mode === 'keys' ? key : null);
    const ids = await furnish(api);
    const before = await residentMib(server.url, api);
    writeFileSync(at('config.toml'), `${readFileSync(CONFIG, 'utf8')}\n${dictionaries(ids)}`);
    const stop = startReaper(api, new Set(Object.values(ids).flat()));
    const code = await run(
      schemathesis,
      [
        '--config-file',
        at('config.toml'),
        'run',
        `${server.url}/openapi.yaml`,
        ...['--phases', phases.join(',')],
        ...['--seed', String(seed)],
        ...['--max-examples', String(maxExamples)],
        ...(mode === 'keys' ? ['--header', `Authorization: Bearer ${key}`] : []),
        ...['--generation-database', 'none', '--report-json-path', at('report.json'), '--no-color'],
      ],
      {
        SCHEMATHESIS_HOOKS: join(process.cwd(), 'scripts/fuzz-api/hooks.py'),
        GYMSERVE_FUZZ_OPEN: mode === 'open' ? '1' : '0',
        GYMSERVE_FUZZ_SEED: String(seed),
        GYMSERVE_FUZZ_COUNTS: at('counts.json'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    );
    await stop();
    const isAlive = server.child.exitCode === null && (await fetch(`${server.url}/healthz`)).ok;
    const report = JSON.parse(readFileSync(at('report.json'), 'utf8')) as Report;
    return {
      isClean: code === 0 && isAlive && report.complete,
      report,
      counts: JSON.parse(readFileSync(at('counts.json'), 'utf8')) as Counts,
      seconds: Math.round((Date.now() - begun) / 1000),
      rssMib: [before, await residentMib(server.url, api)],
    };
  } finally {
    await server.stop();
  }
}

/** Which ids schemathesis tries where a path or a body asks for one; what is deleted are others. */
function dictionaries(ids: Ids): string {
  const lists = Object.entries(ids).map(
    ([name, values]) => `[dictionaries.${name}]\nvalues = ${JSON.stringify(values)}\n`,
  );
  const bind = (name: string, dictionary: string, probability: number) =>
    `"${name}" = { dictionary = "${dictionary}", probability = ${probability} }\n`;
  const paths = [
    ['environment', 'environments', 'spareEnvironments'],
    ['agent', 'agents', 'spareAgents'],
    ['checkpoint', 'checkpoints', 'spareCheckpoints'],
    ['job', 'jobs', 'spareJobs'],
  ] as const;
  return [
    ...lists,
    '[parameters]\n',
    ...paths.map(([name, kept]) => bind(`path.${name}_id`, kept, 0.8)),
    bind('query.agent_id', 'agents', 0.5),
    bind('body.agent_id', 'agents', 0.7),
    bind('body.from_checkpoint_id', 'checkpoints', 0.7),
    bind('body.checkpoint_id', 'checkpoints', 0.7),
    ...paths.map(
      ([name, kept, spare]) =>
        `[[operations]]\ninclude-name = "DELETE /v1/${kept}/{${name}_id}"\n[operations.parameters]\n${bind(`path.${name}_id`, spare, 0.3)}`,
    ),
  ].join('\n');
}

async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  // It leaves a folder of its own where it works.
  const child = spawn(command, args, {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

async function residentMib(url: string, { headers }: ApiClient): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  const bytes = /^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1];
  return Math.round(Number(bytes) / 2 ** 20);
}

function wholeNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  process.stderr.write(`${name} is "${text}"; give a whole number.\n`);
  return process.exit(1);
}
