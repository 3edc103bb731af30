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
