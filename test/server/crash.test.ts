// The crash test of `scripts/crash-test.sh`, with three kills instead of fifty.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { crashes } from '../../scripts/crash-test/crashes.ts';
import { Evidence } from '../../scripts/crash-test/evidence.ts';
import { fullDisk } from '../../scripts/crash-test/full-disk.ts';
import { truncated } from '../../scripts/crash-test/truncated.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { ENGINE_SETTINGS } from '../support/engine-settings.ts';
import { freshSeed } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a server that is killed three times loses nothing', async (t) => {
  const evidence = new Evidence();
  const rng = Pcg64.fromSeed(freshSeed(t));
  const log = (line: string) => t.diagnostic(line);
  const [dataDir, straightDir] = [temporaryFolder(), temporaryFolder()];
  await crashes({ kills: 3, dataDir, straightDir, random: () => rng.random(), log }, evidence);
  assert.deepEqual(evidence.violations, []);
  assert.ok(evidence.events > 0 && evidence.checkpointsHeld > 0);
});

test('a truncated checkpoint sends its job back to the one before, and without one fails it with a clear error', async (t) => {
  const evidence = new Evidence();
  await truncated(temporaryFolder(), evidence, (line) => t.diagnostic(line));
  assert.deepEqual(evidence.violations, []);
});

test('a disk that runs full pauses jobs before, and fails none for good', async (t) => {
  const evidence = new Evidence();
  const cacheDir = dirname(ENGINE_SETTINGS.cacheDirectory);
  const isDone = await fullDisk(evidence, cacheDir, (line) => t.diagnostic(line));
  if (!isDone) return t.skip('only root can mount a small disk');
  assert.deepEqual(evidence.violations, []);
});
