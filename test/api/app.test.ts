import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildApp } from '../../src/api/app.ts';
import { fakeServices } from '../support/fake-services.ts';
import { urlOf } from '../support/recorded-responses.ts';

test('closing the server ends its waits and its streams', { timeout: 10_000 }, async () => {
  const services = fakeServices();
  const app = await buildApp({ services, auth: null, logger: null });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const id = services.addJob();
  const path = `${urlOf(app)}/v1/jobs/${id}`;
  const waiting = fetch(`${path}?wait=60`).then((response) => response.json());
  const stream = await fetch(`${path}/events`, { headers: { accept: 'text/event-stream' } });
  while ((services.jobStore.get(id)?.listeners.size ?? 0) < 2) await sleep(2);
  await app.close();
  assert.equal(((await waiting) as { state: string }).state, 'queued');
  assert.match(await stream.text(), /event: job\.state/);
});

test('the log has the cause of a fault under the id that the client got', async () => {
  const services = fakeServices();
  const lines: string[] = [];
  const app = await buildApp({
    services,
    auth: null,
    logger: { level: 'error', stream: { write: (line) => lines.push(line) } },
  });
  services.failure = new Error('the cause');
  const { request_id: requestId } = (await app.inject({ url: '/v1/server' })).json();
  const logged = lines.map((line) => JSON.parse(line)).find(({ err }) => err?.message === 'the cause');
  assert.equal(logged.reqId, requestId);
  await app.close();
});

test('the log has one line for each request, with what was asked and what came of it', async () => {
  const lines: string[] = [];
  const app = await buildApp({
    services: fakeServices(),
    auth: null,
    logger: { level: 'info', stream: { write: (line) => lines.push(line) } },
  });
  await app.inject({ url: '/healthz' });
  await app.inject({ url: '/nowhere?key=gsk_secret', headers: { 'x-request-id': 'mine' } });
  const logged = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    logged.map(({ msg, req, res }) => [msg, req.method, req.url, res.statusCode]),
    [
      ['request completed', 'GET', '/healthz', 200],
      ['request completed', 'GET', '/nowhere', 404],
    ],
  );
  assert.equal(logged[1].reqId, 'mine');
  assert.ok(!lines.join().includes('gsk_secret'));
  assert.ok(logged.every(({ responseTime }) => responseTime >= 0));
  await app.close();
});

test('a connection that reads nothing of its answer is closed in the end, one that waits for it is not', {
  timeout: 30_000,
}, async (t) => {
  const app = await buildApp({ services: fakeServices(), auth: null, logger: null, unreadLimitMs: 500 });
  t.after(() => app.close());
  // Far more than sockets hold by themselves.
  app.get('/large', (_, reply) => reply.send(Buffer.alloc(64 << 20)));
  app.get('/slow', async () => {
    await sleep(1500);
    return 'late';
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  assert.equal(await (await fetch(`${urlOf(app)}/slow`)).text(), 'late');
  const socket = connect(Number(new URL(urlOf(app)).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write('GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [accepted] = (await once(app.server, 'connection')) as [Socket];
  await once(accepted, 'close');
  assert.ok(accepted.bytesWritten > 0);
});
