import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { KeyRing, keyLine, makeKey } from '../src/api-keys.ts';
import { createServer } from '../src/server.ts';
import { watchKeys } from '../src/watch-keys.ts';
import { ENGINE_SETTINGS } from './support/engine-settings.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const ADMIN = makeKey(['admin']);
const READER = makeKey(['read']);

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await holds()) && Date.now() < deadline; ) await sleep(50);
  assert.ok(await holds());
}

/** An open stream of events, and a promise of its end. */
async function stream(url: string, key: string): Promise<{ readonly ended: Promise<void> }> {
  const { status, body } = await fetch(url, {
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' },
  });
  assert.equal(status, 200);
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const ended = (async () => {
    while (!(await reader.read().catch(() => ({ done: true }))).done);
  })();
  return { ended };
}

test('keys are what the file says, and nobody is let in by one that cannot be read', async (t) => {
  const file = join(temporaryFolder(), 'keys');
  const write = (text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  write(keyLine(ADMIN.kept));
  const ring = new KeyRing([ADMIN.kept]);
  const said: string[] = [];
  const log = { info: (line: string) => said.push(line), error: (line: string) => said.push(line) };
  t.after(watchKeys(file, ring, log));
  await sleep(50);
  write(keyLine(ADMIN.kept) + keyLine(READER.kept));
  await until(() => ring.keys.length === 2);
  write(`no digest\n${keyLine(READER.kept)}`);
  await until(() => ring.keys.length === 1);
  assert.deepEqual(ring.keys, [READER.kept]);
  assert.ok(said.some((line) => /^Line 1 of the keys file .* is passed over/.test(line)));
  rmSync(file);
  await until(() => ring.keys.length === 0);
  assert.ok(said.some((line) => /cannot be read .* no key is let in/.test(line)));
  write(keyLine(ADMIN.kept));
  await until(() => ring.keys.length === 1);
});

test('a key that is revoked while the server runs opens nothing more, what it has open breaks off, and a new one is let in', async (t) => {
  const dataDir = temporaryFolder();
  const file = join(dataDir, 'api-keys');
  writeFileSync(file, keyLine(ADMIN.kept));
  const server = await createServer({
    dataDir,
    engine: 'onnx-cpu',
    engines: ENGINE_SETTINGS,
    threads: 1,
    maxRunningJobs: 1,
    jobMemory: { jobBytes: 2 ** 30, totalBytes: 2 ** 30 },
    envWorkers: 1,
    resumeJobs: true,
    apiKeys: [ADMIN.kept],
    apiKeysFile: file,
    logger: null,
  });
  t.after(() => server.close());
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const status = async (key: string) =>
    (await fetch(`${url}/v1/agents`, { headers: { authorization: `Bearer ${key}` } })).status;
  assert.deepEqual([await status(ADMIN.key), await status(READER.key)], [200, 401]);
  writeFileSync(file, keyLine(ADMIN.kept) + keyLine(READER.kept));
  await until(async () => (await status(READER.key)) === 200);
  const make = async (path: string, body: object): Promise<string> => {
    const headers = { authorization: `Bearer ${ADMIN.key}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return ((await answer.json()) as { id: string }).id;
  };
  const agent = await make('/v1/agents', { algorithm: 'sac', spec_id: 'Pendulum-v1' });
  const events = `/v1/jobs/${await make(`/v1/agents/${agent}/train`, { total_timesteps: 1e6 })}/events`;
  const environment = await make('/v1/environments', { spec_id: 'CartPole-v1' });
  const [ofAdmin, ofReader] = [await stream(url + events, ADMIN.key), await stream(url + events, READER.key)];
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/environments/${environment}/ws`, 'gymserve.v1.json', {
    headers: { authorization: `Bearer ${ADMIN.key}` },
  });
  await once(socket, 'open');
  writeFileSync(file, keyLine(READER.kept));
  await Promise.all([ofAdmin.ended, once(socket, 'close')]);
  assert.deepEqual([await status(ADMIN.key), await status(READER.key)], [401, 200]);
  assert.equal(await Promise.race([ofReader.ended, sleep(200, 'goes on')]), 'goes on');
});

test('X-Forwarded-For counts from a trusted proxy alone', async () => {
  for (const { trustedProxies, statuses } of [
    { trustedProxies: ['127.0.0.1'], statuses: [200, 200, 429] },
    { trustedProxies: ['10.0.0.0/8'], statuses: [200, 429, 429] },
  ]) {
    const server = await createServer({
      dataDir: temporaryFolder(),
      engine: 'onnx-cpu',
      engines: ENGINE_SETTINGS,
      threads: 1,
      maxRunningJobs: 1,
      jobMemory: { jobBytes: 2 ** 30, totalBytes: 2 ** 30 },
      envWorkers: 1,
      resumeJobs: true,
      apiKeys: null,
      rateLimitPerMinute: 1,
      trustedProxies,
      logger: null,
    });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const from = async (address: string) =>
      (await fetch(`${url}/v1/agents`, { headers: { 'x-forwarded-for': address } })).status;
    assert.deepEqual([await from('192.0.2.1'), await from('192.0.2.2'), await from('192.0.2.1')], statuses);
    await server.close();
  }
});
