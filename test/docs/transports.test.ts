// The WebSocket example of docs/transports.md, run as it stands there, on a connection that is cut again and again.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { startRealServers } from '../support/real-servers.ts';

type Steps = (
  url: string,
  actions: readonly unknown[],
  onSocket: (socket: { on(event: 'message', listener: () => void): void; terminate(): void }) => void,
) => Promise<readonly { readonly seq: number; readonly observation: unknown }[]>;

const CALLS = 30;
const CUT_AFTER_FRAMES = 6;

test('the example loses nothing where its connection is cut', { timeout: 300_000 }, async (t) => {
  const context = await startRealServers();
  // Beside this file, so that it finds the packages.
  const file = join(import.meta.dirname, 'transports-example.mjs');
  t.after(async () => {
    rmSync(file, { force: true });
    await context.close();
  });
  writeFileSync(file, /```js\n([\s\S]*?)```/.exec(readFileSync('docs/transports.md', 'utf8'))?.[1] ?? '');
  const { steps } = (await import(pathToFileURL(file).href)) as { readonly steps: Steps };

  const make = async () => {
    const wanted = { spec_id: 'Pendulum-v1', seed: 7 };
    return `/v1/environments/${(await context.http.post('/v1/environments').send(wanted).expect(201)).body.id}`;
  };
  const actions = Array.from({ length: CALLS - 1 }, (_, i) => [i / CALLS]);
  const path = await make();
  const expected = [(await context.http.post(`${path}/reset`).expect(200)).body];
  for (const action of actions)
    expected.push((await context.http.post(`${path}/step`).send({ action }).expect(200)).body);

  let sockets = 0;
  const results = await steps(`${context.url.replace('http', 'ws')}${await make()}/ws`, actions, (socket) => {
    sockets++;
    let frames = 0;
    socket.on('message', () => {
      if (++frames === CUT_AFTER_FRAMES) socket.terminate();
    });
  });
  assert.deepEqual(results, expected);
  // What had arrived already is still delivered, so that it may be fewer than one for each six frames.
  assert.ok(sockets > 2, `It took ${sockets} connections.`);
});
