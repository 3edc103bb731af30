// What of a replay is written, and written again, over the checkpoints of a job.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Experience } from '../../src/agent/algorithm.ts';
import { type CheckpointDocument, FORMAT_VERSION } from '../../src/agent/checkpoint.ts';
import { ReplayBuffer, type ReplayOptions } from '../../src/agent/replay/replay-buffer.ts';
import { Blobs } from '../../src/storage/blobs.ts';
import type { ExperienceRef } from '../../src/storage/checkpoints.ts';
import { ExperienceFiles } from '../../src/workers/experience-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const DOCUMENT: CheckpointDocument = {
  format_version: FORMAT_VERSION,
  kind: 'experience',
  algorithm: 'sac',
  spec_id: 'X-v0',
  env_kwargs: {},
  hyperparameters: {},
  timesteps: 0,
  engine: null,
  engine_identity: null,
};
/** Chunks of 64 rows. */
const OPTIONS: ReplayOptions = {
  capacity: 700,
  observationSize: 3,
  actionSize: 1,
  lanes: 1,
  steps: 1,
  discount: 0.99,
};

/** Adds the steps from `from` up to `to` of episodes of 40 steps. */
function feed(buffer: ReplayBuffer, from: number, to: number): void {
  for (let step = from; step < to; step += 1) {
    buffer.add(0, {
      observation: Float32Array.of(step, 0, 0),
      action: Float32Array.of(-step),
      reward: step,
      nextObservation: Float32Array.of(step + 1, 0, 0),
      terminated: false,
      truncated: step % 40 === 39,
    });
  }
}

function setup() {
  const folder = temporaryFolder();
  const blobs = new Blobs(folder);
  const buffer = new ReplayBuffer(OPTIONS);
  feed(buffer, 0, 1005);
  return { blobs, buffer, count: () => readdirSync(join(folder, 'blobs')).length, folder: join(folder, 'blobs') };
}

const contents = ({ tensors, segments }: Experience) =>
  structuredClone({ ...tensors, ...Object.fromEntries(segments.map(({ name, tensor }) => [name, tensor])) });

const byName = ({ segments }: ExperienceRef) => new Map(segments.map(({ name, sha256 }) => [name, sha256]));

test('a checkpoint writes the segments that changed, and names the others as before', () => {
  const { blobs, buffer, count } = setup();
  const files = new ExperienceFiles(blobs);
  const first = files.save(DOCUMENT, buffer.getState());
  // Eleven chunks of rows, one of the side table, and the small file.
  assert.equal(count(), 13);
  feed(buffer, 1005, 1010);
  const second = files.save(DOCUMENT, buffer.getState());
  const changed = [...byName(second)].filter(([name, sha256]) => byName(first).get(name) !== sha256);
  // Places 305 to 309 of the ring: the fifth chunk. No episode ended.
  assert.deepEqual(
    changed.map(([name]) => name),
    ['rows/4'],
  );
  assert.equal(count(), 15);
});

test('what was loaded is as it was saved, and is not written again', async () => {
  const { blobs, buffer, count } = setup();
  const ref = new ExperienceFiles(blobs).save(DOCUMENT, buffer.getState());
  const before = count();
  const files = new ExperienceFiles(blobs);
  await files.load(ref);
  const restored = new ReplayBuffer(OPTIONS);
  restored.setState(files.loaded ?? assert.fail('nothing was loaded'));
  assert.deepEqual(contents(restored.getState()), contents(buffer.getState()));
  files.restored(restored.getState());
  assert.equal(files.loaded, null);
  // Written again they would have the same names, those of their bytes: count the writes.
  const written: string[] = [];
  const write = blobs.write.bind(blobs);
  blobs.write = (content) => {
    const blob = write(content);
    written.push(blob.sha256);
    return blob;
  };
  assert.deepEqual(files.save(DOCUMENT, restored.getState()), ref);
  assert.deepEqual(written, [ref.file.sha256]);
  assert.equal(count(), before);
});

test('a segment that was put back otherwise than it was saved is written', async () => {
  const { blobs, buffer } = setup();
  const ref = new ExperienceFiles(blobs).save(DOCUMENT, buffer.getState());
  const files = new ExperienceFiles(blobs);
  await files.load(ref);
  const other = new ReplayBuffer(OPTIONS);
  feed(other, 5000, 6000);
  files.restored(other.getState());
  const saved = files.save(DOCUMENT, other.getState());
  assert.notDeepEqual(byName(saved).get('rows/0'), byName(ref).get('rows/0'));
});

for (const [what, damage, message] of [
  ['is missing', (path: string) => rmSync(path), /segment rows\/3\) is missing; restore another checkpoint/],
  [
    'was changed',
    (path: string) => {
      const bytes = readFileSync(path);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      writeFileSync(path, bytes);
    },
    /segment rows\/3\) was changed/,
  ],
  ['was cut', (path: string) => writeFileSync(path, 'x'), /segment rows\/3\) has 1 bytes instead of/],
] as const) {
  test(`a segment that ${what} is refused by its name`, async () => {
    const { blobs, buffer, folder } = setup();
    const ref = new ExperienceFiles(blobs).save(DOCUMENT, buffer.getState());
    damage(join(folder, byName(ref).get('rows/3') ?? ''));
    await assert.rejects(new ExperienceFiles(blobs).load(ref), { code: 'checkpoint_corrupt', message });
  });
}

test('a file of another segment is refused', async () => {
  const { blobs, buffer } = setup();
  const { file, segments } = new ExperienceFiles(blobs).save(DOCUMENT, buffer.getState());
  const [first, second] = segments;
  const swapped = { ...second, name: first?.name } as (typeof segments)[number];
  await assert.rejects(new ExperienceFiles(blobs).load({ file, segments: [swapped] }), {
    code: 'checkpoint_corrupt',
    message: /holds rows\/1/,
  });
});
