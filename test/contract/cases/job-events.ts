import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContractContext, MAX_PENDING_BYTES } from '../../support/contract-context.ts';
import { EventReader } from '../../support/event-reader.ts';

const SSE = 'text/event-stream';

export function jobEventCases({ http, services, url, recorded }: ContractContext): void {
  let id = '';
  let path = '';
  beforeEach(() => {
    id = services.addJob();
    path = `/v1/jobs/${id}/events`;
  });

  const open = async (headers: Record<string, string> = {}, query = '') => {
    const response = await fetch(url + path + query, { headers: { accept: SSE, ...headers } });
    recorded.record('GET', path, {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: undefined,
    });
    return new EventReader(response);
  };

  test('a page is JSON', async () => {
    for (let i = 0; i < 4; i++) services.emit(id, 'job.log', { line: i });
    const first = await http.get(`${path}?page_size=2`).expect(200);
    assert.deepEqual(
      first.body.data.map((event: { id: number }) => event.id),
      [1, 2],
    );
    const second = await http.get(`${path}?page_size=2&page_token=${first.body.next_page_token}`).expect(200);
    assert.deepEqual(
      second.body.data.map((event: { id: number }) => event.id),
      [3, 4],
    );
    assert.deepEqual(
      (await http.get(`${path}?after=4`).expect(200)).body.data.map((event: { id: number }) => event.id),
      [5],
    );
    assert.equal((await http.get(`${path}?after=4`).expect(200)).body.has_more, false);
  });

  test('a stream replays, then goes on live, with no gap and no duplicate, and ends with the job', async () => {
    // More than the stream reads at once.
    for (let i = 0; i < 450; i++) services.emit(id, 'job.log', { line: i });
    const reader = await open();
    assert.equal(reader.response.headers.get('content-type'), SSE);
    const ticker = setInterval(() => {
      services.emit(id, 'job.progress', { timesteps: 1 });
      services.emit(id, 'job.metrics', { alpha: Number.NaN });
    }, 1);
    await reader.until((event) => event.id === 500);
    clearInterval(ticker);
    services.setState(id, 'succeeded');
    const events = await reader.toEnd();
    const ids = events.flatMap((event) => event.id ?? []);
    assert.deepEqual(
      ids,
      ids.map((_, i) => i + 1),
    );
    assert.equal(events.at(-1)?.event, 'job.done');
    assert.ok(events.some((event) => event.event === 'job.progress' && event.id === null && event.data.id === null));
    assert.ok(events.some((event) => event.event === 'job.metrics' && event.data.data.alpha === 'NaN'));
  });

  for (const [how, headers, query] of [
    ['Last-Event-ID', { 'last-event-id': '2' }, ''],
    ['after', {}, '?after=2'],
    ['both, where the header wins', { 'last-event-id': '2' }, '?after=0'],
  ] as const) {
    test(`a stream resumes by ${how}`, async () => {
      for (let i = 0; i < 3; i++) services.emit(id, 'job.log');
      services.setState(id, 'failed');
      const events = await (await open(headers, query)).toEnd();
      assert.deepEqual(
        events.map((event) => event.id),
        [3, 4, 5, 6],
      );
    });
  }

  test('a reconnect after the end is told to stop', async () => {
    services.setState(id, 'cancelled');
    const last = String(services.jobStore.get(id)?.events.at(-1)?.id);
    const { response } = await open({ 'last-event-id': last });
    assert.equal(response.status, 204);
  });

  test('a stream that has nothing to say keeps its connection open', async () => {
    const reader = await open();
    while (reader.comments.length < 2) assert.ok(await reader.read());
    assert.deepEqual(new Set(reader.comments), new Set(['heartbeat']));
    await reader.leave();
  });

  test('a reader that leaves is forgotten', async () => {
    const reader = await open();
    const listeners = services.jobStore.get(id)?.listeners;
    while (listeners?.size !== 1) await sleep(2);
    await reader.leave();
    while (listeners.size > 0) await sleep(2);
  });

  test('a reader that falls too far behind is disconnected', async () => {
    const reader = await open();
    const listeners = services.jobStore.get(id)?.listeners;
    while (listeners?.size !== 1) await sleep(2);
    // The sockets between the two take some megabytes before anything is pending.
    const line = 'x'.repeat(MAX_PENDING_BYTES / 4);
    for (let i = 0; i < 1000 && listeners.size > 0; i++) {
      services.emit(id, 'job.log', { line });
      await sleep(0);
    }
    assert.equal(listeners.size, 0);
    // Some clients report the cut and some take it for the end; either way nothing more comes.
    const events = await reader.toEnd().catch(() => []);
    assert.ok(!events.some(({ event }) => event === 'job.done'));
  });

  test('the stream and the page are chosen by Accept', async () => {
    await http.get(path).set('accept', '*/*').expect('content-type', /json/);
    await http.get(path).set('accept', `${SSE};q=0.5, application/json`).expect('content-type', /json/);
    const reader = await open({ accept: `${SSE}, application/json;q=0.5` });
    assert.equal(reader.response.headers.get('content-type'), SSE);
    await reader.leave();
  });
}
