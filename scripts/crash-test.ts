// `bash scripts/crash-test.sh 50`: kills servers at random instants and says what did not survive. Ends with 1 where anything did not.
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pcg64 } from '../src/math/pcg64.ts';
import { crashes } from './crash-test/crashes.ts';
import { Evidence } from './crash-test/evidence.ts';
import { fullDisk } from './crash-test/full-disk.ts';
import { truncated } from './crash-test/truncated.ts';

const [count = '50', given] = process.argv.slice(2);
const kills = Number(count);
if (!Number.isInteger(kills) || kills < 1) {
  process.stderr.write(
    `How often to kill is "${count}"; give a positive integer, and after it a seed to repeat a run.\n`,
  );
  process.exit(1);
}
const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
const log = (line: string) => void process.stdout.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), 'gymserve-crash-'));
const at = (name: string) => join(folder, name);
// Compiled programs are not what is tested here, and outlast the folder.
process.env['GYMSERVE_CACHE_DIR'] ??= at('cache');
const cacheDir = process.env['GYMSERVE_CACHE_DIR'];
const evidence = new Evidence();
const rng = Pcg64.fromSeed(seed);
const begun = Date.now();
try {
  log(`${kills} kills, seed ${seed}`);
  await crashes({ kills, dataDir: at('data'), straightDir: at('straight'), random: () => rng.random(), log }, evidence);
  log('truncated checkpoints');
  await truncated(at('truncated'), evidence, log);
  log('a full disk');
  if (!(await fullDisk(evidence, cacheDir, log))) log('skipped: only root can mount a small disk');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
log(
  `${evidence.violations.length} violations in ${Math.round((Date.now() - begun) / 1000)} s: ${evidence.events} events and ${evidence.checkpointsHeld} listed checkpoints held to what they were, ${evidence.leftovers} leftovers of kills cleared`,
);
process.exit(evidence.violations.length === 0 ? 0 : 1);
