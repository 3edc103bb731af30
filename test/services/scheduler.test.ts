import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Checkpoints } from '../../src/services/checkpoints.ts';
import { JobJournal } from '../../src/services/job-journal.ts';
import { JobWatchdog } from '../../src/services/job-watchdog.ts';
import { Policies } from '../../src/services/policies.ts';
import { Scheduler } from '../../src/services/scheduler.ts';
import { AgentStore } from '../../src/storage/agents.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { JobStore } from '../../src/storage/jobs.ts';
import { TransitionStore } from '../../src/storage/transitions.ts';
import { ENGINE_SETTINGS } from '../support/engine-settings.ts';
import { agentRow, jobRow } from '../support/rows.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a job that was started ten times without a checkpoint is not started again', (t) => {
  const dataDir = temporaryFolder();
  const database = openDatabase(dataDir);
  const agents = new AgentStore(database);
  agents.insert(agentRow);
  const store = new JobStore(database);
  const onError = (error: unknown) => assert.fail(String(error));
  const journal = new JobJournal({ database, store, onError });
  t.after(() => {
    journal.close();
    database.close();
  });
  // No checkpoint of its own; the scheduler asks for nothing else before it gives up.
  const checkpoints = { ofJob: () => [] } as unknown as Checkpoints;
  const scheduler = new Scheduler({
    journal,
    agents,
    checkpoints,
    policies: new Policies(),
    transitions: new TransitionStore(database),
    dataDir,
    engines: ENGINE_SETTINGS,
    slots: 1,
    startWorker: () => assert.fail('it is not started'),
    watchdog: new JobWatchdog(1000),
    onError,
  });
  journal.add({ ...jobRow, attempts: 10 });
  scheduler.schedule();
  const { state, error } = journal.get(jobRow.id);
  assert.equal(state, 'failed');
  assert.equal(error?.code, 'crash_loop');
  assert.match(String(error?.message), /started 10 times in a row without reaching a checkpoint/);
});
