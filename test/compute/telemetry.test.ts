// No library that computes tells anybody about it, nor leaves an id of this machine.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CHECK = fileURLToPath(new URL('../../src/compute/check-engine.js', import.meta.url));

test('onnxruntime keeps no id for its telemetry', () => {
  const home = temporaryFolder();
  // It is silent on CI by itself.
  const env = { PATH: process.env['PATH'], HOME: home, XDG_CACHE_HOME: home };
  const settings = JSON.stringify({ compiler: 'off', cacheDirectory: '', dumpDirectory: null });
  const { status, stdout, stderr } = spawnSync(process.execPath, [CHECK, 'onnx-cpu', settings], {
    env,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
  assert.deepEqual(readdirSync(home, { recursive: true }), []);
});
