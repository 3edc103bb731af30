import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { JobJournal } from '../../src/services/job-journal.ts';
import { AgentStore } from '../../src/storage/agents.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { type JobEvent, JobStore } from '../../src/storage/jobs.ts';
import { agentRow, jobRow } from '../support/rows.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const row = jobRow;
const time = new Date(0);

function setUp(t: TestContext) {
  const database = openDatabase(temporaryFolder());
  const opened: JobJournal[] = [];
  t.after(() => {
    for (const journal of opened) journal.close();
    database.close();
  });
  new AgentStore(database).insert(agentRow);
  const store = new JobStore(database);
  const errors: unknown[] = [];
  const open = () => {
    const journal = new JobJournal({ database, store, onError: (error) => errors.push(error) });
    opened.push(journal);
    return journal;
  };
  return { database, store, errors, open, journal: open() };
}

function episode(step: number) {
  return { type: 'job.episode', step, time, data: { step } } as const;
}

function ids(events: readonly JobEvent[]): (number | null)[] {
  return events.map(({ id }) => id);
}

test('a subscriber gets stored events, then live ones, with no gap and no duplicate', (t) => {
  const { journal } = setUp(t);
  journal.add(row);
  for (let step = 1; step <= 2500; step++) journal.record(row.id, episode(step));
  const seen: JobEvent[] = [];
  const late: JobEvent[] = [];
  journal.subscribe(row.id, 0, (event) => seen.push(event));
  journal.record(row.id, episode(2501));
  journal.subscribe(row.id, 2400, (event) => late.push(event));
  journal.record(row.id, episode(2502));
  journal.flush();
  assert.deepEqual(
    ids(seen),
    Array.from({ length: 2503 }, (_, i) => i + 1),
  );
  assert.deepEqual(
    ids(late),
    Array.from({ length: 103 }, (_, i) => 2401 + i),
  );
});

test('an event is stored before it is sent', (t) => {
  const { journal, store } = setUp(t);
  journal.add(row);
  let storedWhenSent: (number | null)[] = [];
  journal.subscribe(row.id, 1, () => {
    storedWhenSent = ids(store.events(row.id, { after: 1, limit: 10 }));
  });
  journal.record(row.id, episode(1));
  journal.flush();
  assert.deepEqual(storedWhenSent, [2]);
});

test('what a resume takes back leaves its ids unused', (t) => {
  const { journal, store, open } = setUp(t);
  journal.add(row);
  for (const step of [5, 10, 15]) {
    journal.record(row.id, episode(step));
    journal.metrics(row.id, step, { 'rollout/return': step });
  }
  journal.flush();
  const restarted = open();
  restarted.rewind(row.id, 10);
  restarted.record(row.id, episode(15));
  restarted.flush();
  assert.deepEqual(ids(store.events(row.id, { after: 0, limit: 10 })), [1, 2, 3, 5]);
  assert.deepEqual(store.metrics(row.id, { keys: null, fromStep: 0, maxPoints: 10 }), [
    {
      key: 'rollout/return',
      points: [
        [5, 5],
        [10, 10],
      ],
    },
  ]);
});

test('a job that has ended takes nothing more and says so', (t) => {
  const { journal } = setUp(t);
  journal.add(row);
  const events: JobEvent[] = [];
  journal.subscribe(row.id, 0, (event) => events.push(event));
  journal.transition(row.id, 'running');
  journal.transition(row.id, 'succeeded', { change: { result: { x: 1 } } });
  assert.deepEqual(
    events.map(({ type }) => type),
    ['job.state', 'job.state', 'job.state', 'job.done'],
  );
  assert.equal(journal.get(row.id).state, 'succeeded');
  assert.throws(() => journal.transition(row.id, 'running'), { code: 'invalid_state_transition' });
  assert.throws(() => journal.record(row.id, episode(1)), { code: 'invalid_state_transition' });
});

test('what could not be stored is kept, reported and stored later', async (t) => {
  const { journal, store, database, errors } = setUp(t);
  journal.add(row);
  database.exec("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT raise(ABORT, 'disk is full'); END");
  journal.record(row.id, episode(1));
  assert.throws(() => journal.flush(), /disk is full/);
  assert.equal(store.events(row.id, { after: 0, limit: 10 }).length, 1);
  while (errors.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  database.exec('DROP TRIGGER full');
  while (store.events(row.id, { after: 0, limit: 10 }).length < 2)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.match(String(errors[0]), /disk is full/);
});

test('metrics are thinned evenly and keep the newest point', (t) => {
  const { journal, store } = setUp(t);
  journal.add(row);
  for (let step = 1; step <= 100; step++) journal.metrics(row.id, step, { loss: step });
  journal.flush();
  const [series] = store.metrics(row.id, { keys: ['loss'], fromStep: 11, maxPoints: 10 });
  assert.deepEqual(
    series?.points.map(([step]) => step),
    [19, 28, 37, 46, 55, 64, 73, 82, 91, 100],
  );
});
