import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobWatchdog } from '../../src/services/job-watchdog.ts';
import type { JobHost } from '../../src/workers/job-host.ts';
import { JobThread } from '../../src/workers/job-thread.ts';
import type { JobAssignment, JobMessage } from '../../src/workers/protocol.ts';

const SILENT = new URL('../support/silent-job.js', import.meta.url);

test('a thread that never comes back is noticed and ended, with one last word', async () => {
  const messages: JobMessage[] = [];
  const watchdog = new JobWatchdog(100);
  await new Promise<void>((resolve) => {
    const onMessage = (message: JobMessage) => void messages.push(message);
    const thread = new JobThread({} as JobAssignment, { onMessage, onExit: resolve }, SILENT);
    const timer = setInterval(() => {
      const [silent] = watchdog.silent([thread], performance.now());
      if (silent === undefined) return;
      clearInterval(timer);
      silent.terminate('it was silent');
      silent.terminate('and again');
    }, watchdog.everyMs);
  });
  assert.equal(messages.length, 1);
  const [message] = messages;
  assert.ok(message?.type === 'failed');
  assert.equal(message.error.code, 'worker_lost');
  assert.match(message.error.message, /worker ended \(it was silent\); its last checkpoint stands/);
});

test('silence counts from the last beat, and no more of it than was watched', () => {
  const watchdog = new JobWatchdog(1000);
  let beats = 0;
  const host: JobHost = { tell: () => undefined, terminate: () => undefined, beats: () => beats };
  const silent = (now: number) => watchdog.silent([host], now).length > 0;
  assert.equal(watchdog.everyMs, 250);
  for (let now = 0; now <= 1000; now += 250) assert.ok(!silent(now), `${now} ms`);
  beats++;
  assert.ok(!silent(1250), 'it has beaten since');
  for (let now = 1500; now <= 2250; now += 250) assert.ok(!silent(now), `${now} ms`);
  assert.ok(silent(2501));
  beats++;
  assert.ok(!silent(2750));
  assert.ok(!silent(1e9), 'the machine slept, not the worker');
});
