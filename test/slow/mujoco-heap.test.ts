// Two thousand times everything that takes memory from MuJoCo's heap, over all robots: at the end the heap must have room for
// as many environments as one that nothing was made in, and one environment is 440 kB.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { live } from '../../src/envs/mujoco/heap.ts';
import { cycle, ROBOTS, room } from '../envs/mujoco/heap.ts';

const CYCLES = 2000;

/** In a process of its own: measuring fills the heap, and in a heap that was full everything is slow to make. */
async function freshRoom(): Promise<number> {
  const script = `import { room } from '${new URL('../envs/mujoco/heap.js', import.meta.url)}'; console.log(await room());`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  return Number(stdout);
}

test(`${CYCLES} environments made, used, refused and closed leave the heap as it was`, async (t) => {
  const begun = performance.now();
  for (let seed = 0; seed < CYCLES; seed++) await cycle(ROBOTS[seed % ROBOTS.length] as string, seed);
  assert.deepEqual(live, { models: 0, data: 0 });
  t.diagnostic(`${((performance.now() - begun) / 1000).toFixed(0)} s`);
  assert.equal(await room(), await freshRoom());
});
