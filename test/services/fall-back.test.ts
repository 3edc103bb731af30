// Where jobs and agents go on when files of checkpoints turn out to be damaged: the choice alone, without workers.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Checkpoints } from '../../src/services/checkpoints.ts';
import { fallBackOfAgent, fallBackOfJob } from '../../src/services/fall-back.ts';
import { newId } from '../../src/services/ids.ts';
import { AgentStore } from '../../src/storage/agents.ts';
import { Blobs } from '../../src/storage/blobs.ts';
import { CheckpointStore } from '../../src/storage/checkpoints.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { agentRow, jobRow } from '../support/rows.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const WHY = 'The stored file aa (model) is missing.';

function open(t: TestContext) {
  const folder = temporaryFolder();
  const database = openDatabase(folder);
  t.after(() => database.close());
  const agents = new AgentStore(database);
  const checkpoints = new Checkpoints({
    database,
    store: new CheckpointStore(database),
    blobs: new Blobs(folder),
  });
  t.after(() => checkpoints.close());
  agents.insert({ ...agentRow, checkpointId: 'none' });
  const write = (jobId: string | null) => {
    const id = newId('ckpt');
    const model = { sha256: id, bytes: 1 };
    checkpoints.insert({ id, agentId: agentRow.id, jobId, state: { timesteps: 1, model, experience: null } });
    agents.setCheckpoint(agentRow.id, id);
    return id;
  };
  const standsOn = () => agents.find(agentRow.id)?.checkpointId;
  return { agents, checkpoints, write, standsOn, stores: { agents, checkpoints } };
}

test('a job goes back through its own checkpoints, then to its beginning, then before it, then nowhere', (t) => {
  const { write, stores, standsOn, checkpoints } = open(t);
  const before = write(null);
  const beginning = write(null);
  const own = [write(jobRow.id), write(jobRow.id)];
  const job = { ...jobRow, startCheckpointId: beginning };
  const from = (damaged = '') => fallBackOfJob(stores, job, damaged, WHY)?.id ?? null;
  assert.equal(from(own[1]), own[0]);
  assert.equal(standsOn(), own[0]);
  assert.equal(from(own[0]), beginning);
  assert.equal(from(beginning), before);
  assert.equal(standsOn(), before);
  assert.equal(from(before), null);
  // The agent stays where it is, and nothing is gone.
  assert.equal(standsOn(), before);
  assert.deepEqual(
    [before, beginning, ...own].map((id) => checkpoints.get(id).damage),
    [WHY, WHY, WHY, WHY],
  );
});

test('a job that has written a checkpoint since it started does not go back for what it read before', (t) => {
  const { write, stores, checkpoints } = open(t);
  const beginning = write(null);
  write(jobRow.id);
  assert.equal(fallBackOfJob(stores, { ...jobRow, startCheckpointId: beginning }, beginning, WHY), null);
  assert.equal(checkpoints.get(beginning).damage, null);
});

test('a job that learns from outside never goes back behind its own checkpoints, which hold what it was given', (t) => {
  const { write, stores } = open(t);
  const beginning = write(null);
  const own = [write(jobRow.id), write(jobRow.id)];
  const job = { ...jobRow, type: 'learn', startCheckpointId: beginning } as const;
  assert.equal(fallBackOfJob(stores, job, own[1] ?? '', WHY)?.id, own[0]);
  assert.equal(fallBackOfJob(stores, job, own[0] ?? '', WHY), null);
});

test('an agent that stands elsewhere by now is not moved', (t) => {
  const { write, stores, standsOn } = open(t);
  const [first, second, third] = [write(null), write(null), write(null)];
  assert.equal(fallBackOfAgent(stores, agentRow.id, second, WHY)?.id, first);
  assert.equal(standsOn(), third);
});

test('damaged checkpoints do not count among those that a job keeps, and go with the old ones', (t) => {
  const { write, checkpoints } = open(t);
  const ids = [write(jobRow.id), write(jobRow.id), write(jobRow.id)];
  checkpoints.markDamaged(ids[2] ?? '', WHY);
  const kept = () => checkpoints.ofJob(jobRow.id).map(({ id }) => id);
  checkpoints.keepOfJob(jobRow.id, 2);
  assert.deepEqual(kept(), ids.toReversed());
  ids.push(write(jobRow.id));
  checkpoints.keepOfJob(jobRow.id, 2);
  assert.deepEqual(kept(), [ids[3], ids[2], ids[1]]);
  ids.push(write(jobRow.id));
  checkpoints.keepOfJob(jobRow.id, 2);
  assert.deepEqual(kept(), [ids[4], ids[3]]);
});

test('what was found whole again is damaged no more, and a copy of what is damaged is', async (t) => {
  const { write, checkpoints, standsOn } = open(t);
  checkpoints.connect({
    currentOf: () => standsOn() ?? '',
    ofRunningJob: () => null,
    neededBy: () => null,
    checkFile: () => assert.fail('no file is sent'),
  });
  const id = write(null);
  checkpoints.markDamaged(id, WHY);
  assert.equal((await checkpoints.create(agentRow.id)).damage, WHY);
  checkpoints.markSound(id);
  assert.equal(checkpoints.get(id).damage, null);
});
