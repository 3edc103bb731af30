import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { best, readCurves, spreadAt, spreadOfLast } from '../../scripts/study/aggregate.ts';
import type { Evidence } from '../../scripts/study/evidence.ts';
import { reportOf } from '../../scripts/study/tables.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Returns at 0, 10,000 and 20,000 timesteps, by seed. */
const RETURNS = { 1: [0, 100, 200], 2: [0, 120, 210], 10: [0, 140, 160] };

function study(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'Pendulum-v1'));
  for (const [seed, returns] of Object.entries(RETURNS)) {
    const base = join(folder, 'Pendulum-v1', `sac-v2-seed${seed}`);
    const rows = returns.map((value, index) => `${index * 10_000},${value},1`);
    writeFileSync(`${base}.csv`, `timesteps,eval/return_mean,eval/return_std\n${rows.join('\n')}\n`);
    const evidence: Evidence = {
      format: 1,
      name: `Pendulum-v1/sac-v2-seed${seed}`,
      group: 'Pendulum-v1/sac-v2',
      config_hash: seed,
      study_hash: 'same',
      config: {
        spec_id: 'Pendulum-v1',
        env_kwargs: {},
        algorithm: 'sac',
        hyperparameters: {},
        changed_hyperparameters: { batch_size: 16 },
        seed: Number(seed),
        steps: 20_000,
        evaluation: { every_timesteps: 10_000, episodes: 10, seed: 3 },
      },
      command: 'npm run study -- --spec Pendulum-v1 --steps 20000',
      date: '2026-01-05T10:00:00.000Z',
      gymserve: { version: '0.1.0', commit: '0123456789abcdef', dirty: false },
      machine: { cpu: 'A processor', cores: 2, memory_gib: 4, os: 'Linux' },
      node: 'v20.19.0',
      engine: { name: 'native', identity: 'native 1', threads: 1 },
      jobs: 2,
      wall_s: 100,
      steps_per_second: 200,
      prefix: { timesteps: 3000, model_sha256: 'a', metrics_sha256: 'b', wall_s: 10 },
      final: { timesteps: 20_000, model_sha256: 'c' },
    };
    writeFileSync(`${base}.json`, JSON.stringify(evidence));
  }
  return folder;
}

test('a curve is the mean over seeds with the spread of the sample', () => {
  const [curve = assert.fail()] = readCurves(study());
  assert.deepEqual(
    curve.units.map(({ config }) => config.seed),
    [1, 2, 10],
  );
  assert.deepEqual(spreadAt(curve, 10_000), { mean: 120, std: 20 });
  assert.equal(spreadAt(curve, 15_000), null);
  assert.deepEqual(best(curve), { step: 20_000, spread: spreadAt(curve, 20_000) });
  // Fewer than ten evaluations: all of them.
  assert.equal(spreadOfLast(curve).mean, (100 + 110 + 100) / 3);
});

test('a table shows a curve beside what was published at the same step', () => {
  const report = reportOf(readCurves(study()), {
    plots: new Map([['Pendulum-v1', ['Pendulum-v1/sac-v2.png']]]),
    notes: new Map([['Pendulum-v1', 'Harder than it looks.']]),
  });
  const lines = report.split('\n');
  assert.ok(lines.includes('| **sac-v2** | 3 | 20k | 190 ± 26 | 103 ± 6 | 190 ± 26 at 20k |'), report);
  assert.ok(lines.includes('| SB3 zoo SAC, Pendulum-v1 | – |  | −157 ± 89 |  |  |'), report);
  assert.ok(lines.includes('Harder than it looks.'));
  assert.ok(lines.includes('![Return of Pendulum-v1 by steps](Pendulum-v1/sac-v2.png)'));
  assert.match(report, /defaults but for `batch_size` 16; engine native.*commit 0123456789ab\./);
});

test('the same evidence makes the same report', () => {
  const plots = new Map<string, string[]>();
  assert.equal(reportOf(readCurves(study()), { plots }), reportOf(readCurves(study()), { plots }));
});
