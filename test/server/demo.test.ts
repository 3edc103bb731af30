import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const DEMO = fileURLToPath(new URL('../../scripts/demo.js', import.meta.url));

test('the demo fails where nothing is learnt: with the learning rate at 0 it exits 1', { timeout: 120_000 }, () => {
  const args = [DEMO, '--spec', 'Pendulum-v1', '--steps', '1500', '--learning-rate', '0'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.match(stdout, /It did not learn enough: the mean return rose by 0,/, stderr);
  assert.match(stdout, /Checkpoint ckpt_\w+ \(1500 steps/);
  assert.equal(status, 1);
});
