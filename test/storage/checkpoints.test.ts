// Checkpoints that share segments, and what may be swept while they do.
import assert from 'node:assert/strict';
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Libsql from 'libsql';
import { type AgentState, Checkpoints } from '../../src/services/checkpoints.ts';
import { AgentStore } from '../../src/storage/agents.ts';
import { Blobs } from '../../src/storage/blobs.ts';
import { CheckpointStore } from '../../src/storage/checkpoints.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { MIGRATIONS } from '../../src/storage/migrations.ts';
import { agentRow } from '../support/rows.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function open(t: TestContext, folder = temporaryFolder()) {
  const database = openDatabase(folder);
  t.after(() => database.close());
  const agents = new AgentStore(database);
  if (agents.find(agentRow.id) === undefined) agents.insert(agentRow);
  const blobs = new Blobs(folder);
  const store = new CheckpointStore(database);
  const checkpoints = new Checkpoints({ database, store, blobs });
  t.after(() => checkpoints.close());
  const stored = () => new Set(readdirSync(join(folder, 'blobs')));
  return { folder, database, agents, blobs, store, checkpoints, stored };
}

/** A state of which every part is a file with that text; a segment is called like its text. */
function stateOf(blobs: Blobs, model: string, file: string, segments: readonly string[]): AgentState {
  const write = (text: string) => blobs.write(Buffer.from(text));
  return {
    timesteps: 1,
    model: write(model),
    experience: { file: write(file), segments: segments.map((name) => ({ name, ...write(name) })) },
  };
}

test('a checkpoint gives back the segments that it was listed with, and takes them along when it goes', (t) => {
  const { blobs, checkpoints, store, database } = open(t);
  const state = stateOf(blobs, 'm', 'e', ['a', 'b']);
  const { id, experience } = checkpoints.insert({ agentId: agentRow.id, jobId: null, state });
  assert.deepEqual(experience, state.experience?.file);
  assert.deepEqual(checkpoints.stateOf(id), state);
  assert.equal(store.namedBlobs().size, 4);
  store.delete(id);
  assert.equal(store.namedBlobs().size, 0);
  assert.deepEqual(database.prepare('SELECT * FROM checkpoint_segments').all(), []);
});

test('the segments of an agent go with it', (t) => {
  const { agents, blobs, checkpoints, store } = open(t);
  checkpoints.insert({ agentId: agentRow.id, jobId: null, state: stateOf(blobs, 'm', 'e', ['a']) });
  agents.delete(agentRow.id);
  assert.equal(store.namedBlobs().size, 0);
});

test('what a checkpoint reuses outlives the one that it was written for, whenever a sweep comes', async (t) => {
  const { blobs, checkpoints, store, stored } = open(t);
  const sweep = () => blobs.sweep(store.namedBlobs(), 0);
  const list = (model: string, segments: readonly string[]) =>
    checkpoints.insert({ agentId: agentRow.id, jobId: 'job_1', state: stateOf(blobs, model, `e${model}`, segments) });
  const first = list('1', ['old', 'tail1']);
  // A job writes its next checkpoint: its tail anew, "old" not at all. Until that is listed the one before keeps "old".
  await sweep();
  const second = checkpoints.stateOf(first.id).experience;
  const old = second?.segments.find(({ name }) => name === 'old') ?? assert.fail('no segment');
  const state = stateOf(blobs, '2', 'e2', ['tail2']);
  const experience = state.experience ?? assert.fail('no experience');
  checkpoints.insert({
    agentId: agentRow.id,
    jobId: 'job_1',
    state: { ...state, experience: { ...experience, segments: [...experience.segments, old] } },
  });
  checkpoints.remove([first.id]);
  await sweep();
  const names = stored();
  assert.ok(names.has(old.sha256));
  for (const { sha256 } of experience.segments) assert.ok(names.has(sha256));
  // m2, e2, tail2, old.
  assert.equal(names.size, 4);
});

test('what nothing names is swept once it was unnamed long enough, by a clock of the process', async (t) => {
  const { blobs, stored } = open(t);
  const ref = blobs.write(Buffer.from('unnamed'));
  assert.equal(await blobs.sweep(new Set(), 20), true);
  await new Promise((resolve) => setTimeout(resolve, 30));
  // Written again meanwhile: whoever did so is about to name it.
  blobs.write(Buffer.from('unnamed'));
  assert.equal(await blobs.sweep(new Set(), 20), true);
  assert.deepEqual([...stored()], [ref.sha256]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(await blobs.sweep(new Set(), 20), false);
  assert.deepEqual([...stored()], []);
});

test('a file that a crash left half swept comes back if it is named', async (t) => {
  const { folder, blobs, stored } = open(t);
  const [named, unnamed] = [blobs.write(Buffer.from('a')), blobs.write(Buffer.from('b'))];
  for (const { sha256 } of [named, unnamed])
    renameSync(join(folder, 'blobs', sha256), join(folder, 'blobs', `.swept-${sha256}`));
  await blobs.sweep(new Set([named.sha256]), 0);
  assert.deepEqual([...stored()], [named.sha256]);
});

test('a data directory from before there were segments is migrated, its checkpoints as they were', (t) => {
  const folder = temporaryFolder();
  const before = new Libsql(join(folder, 'gymserve.db'));
  before.exec(MIGRATIONS[0] as string);
  before.exec('PRAGMA user_version = 1');
  before.exec(
    `INSERT INTO agents VALUES ('${agentRow.id}', NULL, 'sac', 'X-v0', '{}', '{}', '{}', '{}', 0, '{}', 'ckpt_1', 0, 0)`,
  );
  before.exec(`INSERT INTO checkpoints VALUES ('ckpt_1', '${agentRow.id}', NULL, 5, 'aa', 1, 'bb', 2, '{}', 0)`);
  before.close();
  const { checkpoints } = open(t, folder);
  assert.deepEqual(checkpoints.stateOf('ckpt_1'), {
    timesteps: 5,
    model: { sha256: 'aa', bytes: 1 },
    experience: { file: { sha256: 'bb', bytes: 2 }, segments: [] },
  });
});

test('checkpoints, and the segments that they name, outlive the migration after which one may be of no agent', (t) => {
  const folder = temporaryFolder();
  const before = new Libsql(join(folder, 'gymserve.db'));
  before.exec('PRAGMA foreign_keys = ON');
  for (const step of MIGRATIONS.slice(0, 3)) before.exec(step);
  before.exec('PRAGMA user_version = 3');
  before.exec(
    `INSERT INTO agents VALUES ('${agentRow.id}', NULL, 'sac', 'X-v0', '{}', '{}', '{}', '{}', 0, '{}', 'ckpt_1', 0, 0)`,
  );
  before.exec(`INSERT INTO checkpoints VALUES ('ckpt_1', '${agentRow.id}', NULL, 5, 'aa', 1, 'bb', 2, '{}', 0)`);
  before.exec(`INSERT INTO checkpoint_segments VALUES ('ckpt_1', 'a', 'cc', 3)`);
  before.close();
  const { checkpoints, agents, store, database } = open(t, folder);
  assert.deepEqual(checkpoints.stateOf('ckpt_1').experience?.segments, [{ name: 'a', sha256: 'cc', bytes: 3 }]);
  assert.equal(checkpoints.row('ckpt_1').step, 5);
  assert.deepEqual(database.prepare('PRAGMA foreign_key_check').all(), []);
  agents.delete(agentRow.id);
  assert.equal(store.namedBlobs().size, 0);
});
