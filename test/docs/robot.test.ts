// The example of a robot, as it stands, against a real server: its carts learn.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { startServer } from '../../scripts/server-process.ts';

test('examples/robot.sh runs, and what it learns shows', { timeout: 240_000 }, async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const run = spawnSync('bash', ['examples/robot.sh', server.url, '5'], { encoding: 'utf8' });
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  const returns = [...run.stdout.matchAll(/mean return (-[\d.]+) after (\d+) transitions/g)];
  assert.deepEqual(
    returns.map(([, , transitions]) => Number(transitions)),
    [240, 480, 720, 960, 1200],
  );
  const [first, last] = [Number(returns[0]?.[1]), Number(returns.at(-1)?.[1])];
  // A policy that has learnt nothing loses some 25, a good one less than 3.
  assert.ok(last > first / 2, run.stdout);
});
