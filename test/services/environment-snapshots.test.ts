// Snapshots of live environments: exact for every environment and wrapper, in another process, over other workers.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { wrappers } from '../../src/envs/wrappers/wrapper-registry.ts';
import { PLANS, play, WRAPPERS_PLAYED, withEnvironments } from '../support/snapshot-play.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ALL = { seed: null, options: {}, resetMask: null };
const PROGRAM = fileURLToPath(new URL('../support/snapshot-play.js', import.meta.url));

test('every environment and every wrapper goes on in a fresh process as it did, byte for byte', async () => {
  assert.deepEqual(
    [...WRAPPERS_PLAYED].sort(),
    wrappers().map(({ name }) => name),
  );
  const folder = temporaryFolder();
  const onward = await withEnvironments(2, async (environments) => {
    const lines: string[] = [];
    for (const [name, plan] of PLANS) {
      const { id } = await environments.create(plan);
      await environments.reset(id, ALL);
      await play(environments, id, 33);
      const { file } = await environments.snapshot(id);
      writeFileSync(join(folder, name), file);
      lines.push(`${name}\t${await play(environments, id)}`);
      await environments.delete(id);
    }
    return lines;
  });
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, folder]);
  assert.deepEqual(stdout.trim().split('\n').sort(), onward.sort());
});

test('a file tells nothing of the number of workers, and goes on over any', async () => {
  const plan = PLANS.get('vector Disabled');
  assert.ok(plan);
  const files = new Map<number, Uint8Array>();
  const onward = new Set<string>();
  for (const workers of [1, 2, 3]) {
    await withEnvironments(workers, async (environments) => {
      const { id } = await environments.create(plan);
      await environments.reset(id, ALL);
      await play(environments, id, 40);
      files.set(workers, (await environments.snapshot(id)).file);
      onward.add(await play(environments, id, 60));
      const other = await environments.create({ ...plan, seed: 5 });
      await environments.restore(other.id, files.get(1) as Uint8Array);
      onward.add(await play(environments, other.id, 60));
    });
  }
  assert.deepEqual(files.get(2), files.get(1));
  assert.deepEqual(files.get(3), files.get(1));
  assert.equal(onward.size, 1);
});

test('where one block refuses its part, no other keeps its own', async () => {
  const plan = PLANS.get('vector NextStep');
  assert.ok(plan);
  await withEnvironments(3, async (environments) => {
    const { id } = await environments.create(plan);
    await environments.reset(id, ALL);
    await play(environments, id, 5);
    const { file } = await environments.snapshot(id);
    await play(environments, id, 5);
    const before = await environments.snapshot(id);
    // The last sub-environment's physics, in place: the file stays well formed.
    const broken = Buffer.from(file);
    const start = 8 + Number(broken.readBigUInt64LE(0));
    const header = JSON.parse(broken.toString('utf8', 8, start));
    const name = Object.keys(header).find((entry) => /^env\/envs\/2\/.*physics$/.test(entry)) ?? '';
    broken.writeDoubleLE(Number.NaN, start + header[name].data_offsets[0]);
    await assert.rejects(environments.restore(id, broken), { code: 'checkpoint_incompatible', message: /not finite/ });
    assert.equal((await environments.snapshot(id)).sha256, before.sha256);
  });
});
