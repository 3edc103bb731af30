import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { openDatabase, transaction } from '../../src/storage/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a second server on the same data directory is refused, and let in once the first is gone', () => {
  const folder = temporaryFolder();
  const first = openDatabase(folder);
  assert.throws(() => openDatabase(folder), { code: 'data_dir_in_use', message: new RegExp(folder) });
  first.close();
  openDatabase(folder).close();
});

test('a server that was killed leaves no lock behind', async () => {
  const folder = temporaryFolder();
  const holder = fork(new URL('../support/database-holder.js', import.meta.url), [folder]);
  await once(holder, 'message');
  assert.throws(() => openDatabase(folder), { code: 'data_dir_in_use' });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  openDatabase(folder).close();
});

test('a data directory of a newer Gymserve is refused and left alone', () => {
  const folder = temporaryFolder();
  const database = openDatabase(folder);
  database.exec('PRAGMA user_version = 999');
  database.close();
  assert.throws(() => openDatabase(folder), { code: 'checkpoint_incompatible', message: /format 999/ });
});

test('a transaction that throws leaves nothing behind', (t) => {
  const database = openDatabase(temporaryFolder());
  t.after(() => database.close());
  database.exec('CREATE TABLE things (x INTEGER)');
  assert.throws(
    () =>
      transaction(database, () => {
        database.exec('INSERT INTO things VALUES (1)');
        throw new Error('no');
      }),
    /no/,
  );
  const { n } = database.prepare('SELECT count(*) AS n FROM things').get() as { n: number };
  assert.equal(n, 0);
});
