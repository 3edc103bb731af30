// Batches of transitions: counted for good, pending until they are taken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentStore } from '../../src/storage/agents.ts';
import { CheckpointStore } from '../../src/storage/checkpoints.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { TransitionStore } from '../../src/storage/transitions.ts';
import { agentRow } from '../support/rows.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('what is taken is no longer pending, and stays counted; what came later waits', (t) => {
  const database = openDatabase(temporaryFolder());
  t.after(() => database.close());
  const agents = new AgentStore(database);
  agents.insert(agentRow);
  const store = new TransitionStore(database);
  const blobs = () => [...new CheckpointStore(database).namedBlobs()].sort();
  assert.deepEqual(store.counts(agentRow.id), { total: 0, pending: 0, batches: 0 });
  store.append(agentRow.id, 10, { sha256: 'a', bytes: 1 });
  // The same rows again are the same file, and rows of their own.
  store.append(agentRow.id, 5, { sha256: 'a', bytes: 1 });
  const { total } = store.counts(agentRow.id);
  store.append(agentRow.id, 2, { sha256: 'b', bytes: 2 });
  assert.deepEqual(store.counts(agentRow.id), { total: 17, pending: 17, batches: 3 });
  assert.deepEqual(
    store.pending(agentRow.id, total).map(({ first, count }) => [first, count]),
    [
      [0, 10],
      [10, 5],
    ],
  );
  store.take(agentRow.id, total);
  assert.deepEqual(store.counts(agentRow.id), { total: 17, pending: 2, batches: 1 });
  assert.deepEqual(blobs(), ['b']);
  store.append(agentRow.id, 1, { sha256: 'c', bytes: 3 });
  assert.deepEqual(
    store.pending(agentRow.id, 18).map(({ first }) => first),
    [15, 17],
  );
  agents.delete(agentRow.id);
  assert.deepEqual(blobs(), []);
});
