import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobRetention } from '../../src/services/job-retention.ts';
import { AgentStore } from '../../src/storage/agents.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { IdempotencyStore } from '../../src/storage/idempotency.ts';
import { JobStore } from '../../src/storage/jobs.ts';
import { agentRow, jobRow } from '../support/rows.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const DAY = 86_400_000;
const NOW = 100 * DAY;

test('jobs that ended long ago are let go with all that is told of them, and no others', async (t) => {
  const database = openDatabase(temporaryFolder());
  t.after(() => database.close());
  new AgentStore(database).insert(agentRow);
  const jobs = new JobStore(database);
  const keys = new IdempotencyStore(database);
  const add = (id: string, daysAgo: number | null) =>
    jobs.save({
      ...jobRow,
      id,
      state: daysAgo === null ? 'paused' : 'succeeded',
      endedAt: daysAgo === null ? null : new Date(NOW - daysAgo * DAY),
    });
  add('job_old', 31);
  add('job_young', 29);
  add('job_paused', null);
  // More than one turn deletes.
  for (let id = 1; id <= 4500; id++) {
    jobs.insertEvent('job_old', id, { type: 'job.episode', step: id, time: new Date(0), data: {} });
    jobs.insertMetric('job_old', 'loss', id, 0);
  }
  jobs.insertEvent('job_young', 1, { type: 'job.episode', step: 1, time: new Date(0), data: {} });
  const answer = { principal: '', path: 'POST /v1/agents', bodySha256: '', status: 201, headers: {}, body: '{}' };
  keys.insert({ ...answer, key: 'old', createdAt: new Date(NOW - 1.1 * DAY) });
  keys.insert({ ...answer, key: 'young', createdAt: new Date(NOW - 0.9 * DAY) });
  const sweep = (days: number | null) =>
    new JobRetention({ jobs, keys, days, onError: (error) => assert.fail(String(error)) }).sweep(NOW);

  await sweep(null);
  assert.ok(jobs.find('job_old'), 'without a limit all stay');
  await sweep(30);
  assert.equal(jobs.find('job_old'), undefined);
  const { events, metrics } = database
    .prepare('SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM metrics) AS metrics')
    .get() as { events: number; metrics: number };
  assert.deepEqual([events, metrics], [1, 0]);
  assert.ok(jobs.find('job_young') && jobs.find('job_paused'));
  assert.deepEqual([keys.find('', 'old', 0), keys.find('', 'young', 0)?.body], [undefined, '{}']);
});
