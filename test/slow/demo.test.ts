import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const DEMO = fileURLToPath(new URL('../../scripts/demo.js', import.meta.url));

test('the demo teaches a HalfCheetah enough to exit 0', (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO], { encoding: 'utf8' });
  t.diagnostic(/^It .*$/m.exec(stdout)?.[0] ?? stderr);
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /^It learnt: the mean return rose by \d+, where less than \d+ would not count/m);
});
