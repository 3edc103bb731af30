import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const DEMO = fileURLToPath(new URL('../../scripts/demo.js', import.meta.url));

test('a flag that the demo does not have is refused, and those that it has are listed', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, '--stps', '9'], { encoding: 'utf8' });
  assert.match(stderr, /'--stps'.*\n {2}--steps VALUE \(20000\)\n.*\n {2}--keep\n/s);
  assert.deepEqual([status, stdout], [1, '']);
  const help = spawnSync(process.execPath, [DEMO, '--help'], { encoding: 'utf8' });
  assert.deepEqual([help.status, help.stdout], [0, stderr.slice(stderr.indexOf('Flags:'))]);
});

test('the demo fails where nothing is learnt: with the learning rate at 0 it exits 1', { timeout: 120_000 }, () => {
  const args = [DEMO, '--spec', 'Pendulum-v1', '--steps', '1500', '--learning-rate', '0'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.match(stdout, /It did not learn enough: the mean return rose by 0,/, stderr);
  assert.match(stdout, /Checkpoint ckpt_\w+ \(1500 steps/);
  assert.equal(status, 1);
});
