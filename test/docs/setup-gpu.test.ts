// npm run setup:gpu where it must not begin: half a gigabyte is fetched by it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** With a driver that is not there, and an npm that leaves a trace and does nothing. */
function setup(...args: readonly string[]) {
  const folder = temporaryFolder();
  const trace = join(folder, 'npm-ran');
  writeFileSync(join(folder, 'nvidia-smi'), '#!/bin/sh\necho "no devices were found"\nexit 6\n', { mode: 0o755 });
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\ntouch ${trace}\nexit 1\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup-gpu.mjs', ...args], {
    encoding: 'utf8',
    env,
  });
  return { status, stdout, stderr, installs: existsSync(trace) };
}

test('setup:gpu without a GPU says so before it installs anything', () => {
  const { status, stderr, installs } = setup();
  assert.match(stderr, /no NVIDIA GPU here.*no devices were found.*--install-only/);
  assert.deepEqual([status, installs], [1, false]);
});

test('setup:gpu refuses what it does not know with its usage, and prints that on request', () => {
  const wrong = setup('--install-onyl');
  assert.match(wrong.stderr, /--install-onyl is not an option\.\nUsage: /);
  assert.deepEqual([wrong.status, wrong.installs], [1, false]);
  const help = setup('--help');
  assert.match(help.stdout, /^Usage: .*--install-only/s);
  assert.deepEqual([help.status, help.installs], [0, false]);
});
