import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { ConfigError, loadConfig } from '../src/config.ts';

const memory = (text: string) => loadConfig(['--max-job-memory', text], {}).jobMemory.jobBytes;

for (const [text, bytes] of [
  ['1000000', 1e6],
  ['2GiB', 2 * 2 ** 30],
  ['1.5 GiB', 1.5 * 2 ** 30],
  ['512MiB', 2 ** 29],
  ['3GB', 3e9],
  ['64KiB', 2 ** 16],
] as const) {
  test(`--max-job-memory ${text} is ${bytes} bytes`, () => assert.equal(memory(text), bytes));
}

for (const text of ['', '0', '-1', 'much', '2 Gib', '2GiBs', '1e9', 'GiB']) {
  test(`--max-job-memory "${text}" is refused with what to give, or is the default`, () => {
    if (text === '') assert.equal(memory(text), loadConfig([], {}).jobMemory.jobBytes);
    else
      assert.throws(
        () => memory(text),
        (error) => error instanceof ConfigError && /such as 2GiB/.test(error.message),
      );
  });
}

test('without it running jobs share four fifths of the memory', () => {
  const one = loadConfig(['--max-running-jobs', '1'], {}).jobMemory;
  const four = loadConfig(['--max-running-jobs', '4'], {}).jobMemory;
  assert.ok(one.jobBytes > 0 && one.jobBytes <= 0.8 * totalmem());
  assert.equal(one.totalBytes, one.jobBytes);
  assert.equal(four.totalBytes, one.totalBytes);
  assert.equal(four.jobBytes, Math.floor(one.totalBytes / 4));
});

for (const [args, says] of [
  [['--disk-reserve', 'much'], /--disk-reserve \(GYMSERVE_DISK_RESERVE\) is "much"; give bytes/],
  [['--job-isolation', 'vm'], /--job-isolation .* is "vm"; give one of: thread, process/],
  [['--job-silence-limit', '0'], /--job-silence-limit .* is "0"; give an integer from 1/],
  [['--job-retention-days', '1.5'], /--job-retention-days .* is "1.5"; give an integer from 0/],
  [['--step-timeout', '0.5'], /--step-timeout .* is "0.5"; give an integer from 0/],
  [['--max-queued-jobs', 'x'], /--max-queued-jobs .* is "x"/],
] as const) {
  test(`${args.join(' ')} is refused with what to give`, () => {
    assert.throws(
      () => loadConfig(args, {}),
      (error) => error instanceof ConfigError && says.test(error.message),
    );
  });
}

for (const args of [['--insecure'], ['--insecure', 'true'], ['--insecure=true'], ['--insecure', '--port', '0']]) {
  test(`${args.join(' ')} lets a public address be`, () => {
    assert.equal(loadConfig(['--host', '0.0.0.0', ...args], {}).host, '0.0.0.0');
  });
}

test('a switch is off where that is said, and takes no other value', () => {
  assert.equal(loadConfig(['--resume-jobs', 'false'], {}).resumeJobs, false);
  assert.equal(loadConfig(['--resume-jobs'], { GYMSERVE_RESUME_JOBS: 'false' }).resumeJobs, true);
  assert.throws(
    () => loadConfig(['--host', '0.0.0.0', '--insecure', 'yes'], {}),
    /--insecure .* is "yes"; give one of: true, false/,
  );
});

test('jobs run in threads, stay for good and leave some of the disk free unless asked otherwise', () => {
  assert.deepEqual([loadConfig([], {}).maxEnvironments, loadConfig([], {}).stepTimeoutMs], [1000, 60_000]);
  const { jobIsolation, jobRetentionDays, jobSilenceLimitMs, diskReserveBytes, maxQueuedJobs } = loadConfig([], {});
  assert.deepEqual([jobIsolation, jobRetentionDays, jobSilenceLimitMs], ['thread', null, 600_000]);
  assert.deepEqual([diskReserveBytes, maxQueuedJobs], [2 ** 28, 1000]);
  const args = ['--job-isolation', 'process', '--disk-reserve', '0', '--job-retention-days', '30'];
  const given = loadConfig([...args, '--job-silence-limit', '5'], {});
  assert.deepEqual([given.jobIsolation, given.jobRetentionDays, given.jobSilenceLimitMs], ['process', 30, 5000]);
  assert.equal(given.diskReserveBytes, 0);
});
