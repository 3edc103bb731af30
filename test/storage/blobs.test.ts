import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Blobs } from '../../src/storage/blobs.ts';
import { mountSmallDisk } from '../support/full-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const content = Buffer.from('parameters');

test('a blob is named by its content, stored once and read back', async () => {
  const folder = temporaryFolder();
  const blobs = new Blobs(folder);
  const ref = blobs.write(content);
  assert.deepEqual(blobs.write(content), ref);
  // printf parameters | sha256sum
  assert.equal(ref.sha256, 'f528212a496dc7a0e9a57c129b561aa4609364d70f886c09d668e00797521eb5');
  assert.deepEqual(readdirSync(join(folder, 'blobs')), [ref.sha256]);
  assert.deepEqual(Buffer.from(await blobs.read(ref)), content);
});

for (const [what, damage] of [
  ['changed', (path: string) => writeFileSync(path, 'parameterz')],
  ['truncated', (path: string) => truncateSync(path, 3)],
  ['appended to', (path: string) => appendFileSync(path, 'x')],
] as const) {
  test(`a blob that was ${what} is refused as corrupt`, async () => {
    const blobs = new Blobs(temporaryFolder());
    const ref = blobs.write(content);
    damage(await blobs.find(ref));
    await assert.rejects(blobs.read(ref), { code: 'checkpoint_corrupt', message: new RegExp(ref.sha256) });
  });
}

test('a blob that is written again is made whole, whatever had become of it', async () => {
  const folder = temporaryFolder();
  const blobs = new Blobs(folder);
  const ref = blobs.write(content);
  for (const damage of ['parameterz', 'p']) {
    writeFileSync(join(folder, 'blobs', ref.sha256), damage);
    blobs.write(content);
    assert.deepEqual(Buffer.from(await blobs.read(ref)), content);
  }
});

test('a missing blob is refused as corrupt', async () => {
  const blobs = new Blobs(temporaryFolder());
  await assert.rejects(blobs.read({ sha256: 'f'.repeat(64), bytes: 1 }), {
    code: 'checkpoint_corrupt',
    message: /missing/,
  });
});

test('a sweep keeps what is named and what is young', async () => {
  const folder = temporaryFolder();
  const blobs = new Blobs(folder);
  const named = blobs.write(content);
  blobs.write(Buffer.from('unnamed'));
  writeFileSync(join(folder, 'blobs', '.tmp-left-by-a-crash'), 'half');
  await blobs.sweep(new Set([named.sha256]), 60_000);
  assert.equal(readdirSync(join(folder, 'blobs')).length, 3);
  await blobs.sweep(new Set([named.sha256]), 0);
  assert.deepEqual(readdirSync(join(folder, 'blobs')), [named.sha256]);
});

test('a full disk is said, and nothing half written stays', async (t) => {
  const disk = mountSmallDisk(64 << 10);
  if (disk === null) return t.skip('only root can mount a small disk');
  t.after(() => disk.unmount());
  const blobs = new Blobs(disk.folder);
  const kept = blobs.write(content);
  assert.throws(() => blobs.write(Buffer.alloc(128 << 10, 1)), {
    code: 'disk_full',
    message: /No space is left in .*blobs for 131072 bytes; free space or move --data-dir; the last checkpoint stands/,
  });
  assert.deepEqual(readdirSync(join(disk.folder, 'blobs')), [kept.sha256]);
  assert.deepEqual(Buffer.from(await blobs.read(kept)), content);
});
