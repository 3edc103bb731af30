// A real study over real servers: interrupted as roughly as can be it leaves the same numbers, and they can be verified.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Evidence, readEvidence } from '../../scripts/study/evidence.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const STUDY = fileURLToPath(new URL('../../scripts/study.js', import.meta.url));
const HYPERPARAMETERS = { hidden_sizes: [16, 16], batch_size: 16, learning_starts: 100 };
const SMALL = [
  ...['--spec', 'Pendulum-v1', '--steps', '600', '--seeds', '2', '--jobs', '1'],
  ...['--eval-every', '100', '--eval-episodes', '2', '--prefix-steps', '200'],
  ...Object.entries(HYPERPARAMETERS).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`]),
];
const UNITS = ['Pendulum-v1/sac-v2-seed1.json', 'Pendulum-v1/sac-v2-seed2.json'] as const;

interface Study {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  readonly exited: Promise<number | null>;
  /** Settles when a line matches; rejects where the process ends first. */
  said(pattern: RegExp): Promise<void>;
}

function study(args: readonly string[]): Study {
  const child = spawn(process.execPath, ['--enable-source-maps', STUDY, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const lines: string[] = [];
  const waiting: { pattern: RegExp; resolve: () => void }[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const { pattern, resolve } of waiting) if (pattern.test(line)) resolve();
    });
  const said = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ pattern, resolve });
      void exited.then(() => reject(new Error(`No line matched ${pattern}:\n${lines.join('\n')}`)));
    });
  return { child, lines, exited, said };
}

async function toTheEnd(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const running = study(args);
  const code = await running.exited;
  return { code, output: running.lines.join('\n') };
}

function numbersOf(folder: string) {
  return UNITS.map((name) => {
    const base = join(folder, name.replace(/\.json$/, ''));
    const { config_hash, prefix, final } = readEvidence(join(folder, name));
    return {
      config_hash,
      prefix: { ...prefix, wall_s: null },
      final,
      table: readFileSync(`${base}.csv`, 'utf8'),
      rows: readFileSync(`${base}.prefix.csv`, 'utf8'),
    };
  });
}

test('a study that is killed in the middle ends with the bytes of one that nothing disturbed', {
  timeout: 600_000,
}, async (t) => {
  const folder = temporaryFolder();
  const [calm, rough] = [join(folder, 'calm'), join(folder, 'rough')];
  const [calmData, roughData] = [join(folder, 'calm-data'), join(folder, 'rough-data')];
  const undisturbed = toTheEnd([...SMALL, '--data-dir', calmData, '--out', calm]);

  const args = [...SMALL, '--data-dir', roughData, '--out', rough];
  // The script alone, while its first unit trains: its server lives on and is in the way of the next.
  const first = study(args);
  await first.said(/seed1 begins/);
  first.child.kill('SIGKILL');
  await first.exited;
  // The second time both, with one unit done and one in the middle.
  const second = study(args);
  await second.said(/seed2 begins/);
  const { server } = JSON.parse(readFileSync(join(roughData, 'study.json'), 'utf8')) as { server: number };
  second.child.kill('SIGKILL');
  process.kill(server, 'SIGKILL');
  await second.exited;
  assert.ok(!existsSync(join(rough, UNITS[1])), 'the study ended before it could be killed');

  const third = await toTheEnd(args);
  assert.equal(third.code, 0, third.output);
  assert.match(third.output, /sac-v2-seed1 is done\.\n/);
  const { code, output } = await undisturbed;
  assert.equal(code, 0, output);
  assert.deepEqual(numbersOf(rough), numbersOf(calm));

  await t.test('each unit has a row for each evaluation, and a prefix with updates in it', () => {
    for (const { table, prefix, final } of numbersOf(rough)) {
      const steps = table.split('\n').map((row) => row.split(',')[0]);
      assert.deepEqual(steps, ['timesteps', '0', '100', '200', '300', '400', '500', '600', '']);
      assert.equal(prefix.timesteps, HYPERPARAMETERS.learning_starts + 200);
      assert.equal(final.timesteps, 600);
    }
  });

  await t.test('the report shows both seeds in a table and a plot', () => {
    assert.deepEqual(readdirSync(rough).sort(), ['Pendulum-v1', 'README.md']);
    assert.match(readFileSync(join(rough, 'README.md'), 'utf8'), /\| \*\*sac-v2\*\* \| 2 \| 600 \|/);
    assert.equal(readFileSync(join(rough, 'Pendulum-v1/sac-v2.png')).readUInt32BE(0), 0x89_50_4e_47);
  });

  await t.test('its policies are tried in changed environments', async () => {
    const { code, output } = await toTheEnd([
      ...['--robustness', 'Pendulum-v1/sac-v2', '--data-dir', roughData, '--out', rough],
    ]);
    assert.equal(code, 0, output);
    assert.match(output, /seed2: without mass \(factor\): .*MuJoCo/);
    const rows = readFileSync(join(rough, 'Pendulum-v1/sac-v2.robustness.csv'), 'utf8').trimEnd().split('\n');
    // Noise and delay, each as trained and at four values, of two seeds.
    assert.equal(rows.length, 1 + 2 * 5 * 2);
    // As trained: what the study's own last evaluation saw.
    const last = numbersOf(rough)[0]?.table.trimEnd().split('\n').at(-1)?.split(',')[1];
    assert.equal(rows.find((row) => row.startsWith('action delay (steps),0,1,'))?.split(',')[3], last);
    assert.match(readFileSync(join(rough, 'README.md'), 'utf8'), /\| action delay \(steps\) \| \*\*0\*\*: −/);
  });

  const file = join(rough, UNITS[0]);
  const evidence = readEvidence(file);
  const verified = toTheEnd(['--verify', file]);

  await t.test('a digest that was tampered with does not verify', async () => {
    const model_sha256 = evidence.prefix.model_sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    const { code, output } = await toTheEnd([
      '--verify',
      changed(calm, { prefix: { ...evidence.prefix, model_sha256 } }),
    ]);
    assert.equal(code, 1, output);
    assert.match(output, /model: DIFFERENT/);
    assert.match(output, /metrics: equal/);
  });

  await t.test('what was recorded does', async () => {
    const { code, output } = await verified;
    assert.equal(code, 0, output);
  });

  await t.test('on another build of the engine the metrics count, since the model names what made it', async () => {
    const engine = { ...evidence.engine, identity: 'native of another machine' };
    const { code, output } = await toTheEnd(['--verify', changed(calm, { engine })]);
    assert.equal(code, 0, output);
    assert.match(output, /model: not compared/);
    assert.match(output, /metrics: equal/);
  });

  await t.test('on another kind of processor other numbers say nothing', async () => {
    const machine = { ...evidence.machine, cpu: 'Another' };
    const prefix = { ...evidence.prefix, metrics_sha256: evidence.prefix.model_sha256 };
    const { code, output } = await toTheEnd(['--verify', changed(calm, { machine, prefix })]);
    assert.equal(code, 2, output);
    assert.match(output, /it ran on "Another", and this is/);
  });

  await t.test('other settings under the same name are refused', async () => {
    const { code, output } = await toTheEnd([...args, '--set', 'learning_rate=0.01']);
    assert.equal(code, 64, output);
    assert.match(output, /is of other settings than .* give this study a --tag/);
  });
});

/** The first unit's document in `folder`, with other fields. */
function changed(folder: string, fields: Partial<Evidence>): string {
  const file = join(folder, UNITS[0]);
  writeFileSync(file, JSON.stringify({ ...readEvidence(file), ...fields }));
  return file;
}
