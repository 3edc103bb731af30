// An engine that could crash is checked in a process of its own: whatever happens there becomes a reason here.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkInChild } from '../../src/compute/child-check.ts';
import type { EngineName } from '../../src/compute/engine.ts';

const directory = mkdtempSync(join(tmpdir(), 'gymserve-child-check-'));
after(() => rmSync(directory, { recursive: true }));

const SETTINGS = { compiler: 'off', cacheDirectory: 'not used', dumpDirectory: null };

const CASES: readonly (readonly [string, string, RegExp | null])[] = [
  [
    'crashes',
    "process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000);",
    /^its check was ended by SIGSEGV\.$/,
  ],
  ['never comes back', 'for (;;);', /^its check did not end within 0\.5 s\.$/],
  [
    'hangs beyond its kill',
    // What stands for it: a process that nobody kills has its output, so that the child is not over when it has ended.
    "const { spawn } = require('node:child_process'); spawn('sleep', ['20'], { stdio: 'inherit', detached: true }); for (;;);",
    /^its check did not end within 0\.5 s\.$/,
  ],
  ['throws', "throw new Error('no such device');", /^its check failed: /],
  ['says what is wrong', "console.error('noise'); console.log('no GPU.'); process.exitCode = 1;", /^no GPU\.$/],
  ['works, however it talks', "console.log('hello'); console.error('warning');", null],
  [
    'is given its name and the settings',
    "if (process.argv[2] !== 'native' || JSON.parse(process.argv[3]).compiler !== 'off') throw 0;",
    null,
  ],
];

for (const [what, script, expected] of CASES) {
  test(`an engine that ${what}`, async () => {
    const path = join(directory, `${what.replaceAll(/\W/g, '-')}.cjs`);
    writeFileSync(path, script);
    // The time limit only where it is the point: a busy machine starts a process slowly.
    const hangs = what === 'never comes back' || what === 'hangs beyond its kill';
    const limitMs = hangs ? 500 : 30_000;
    const begun = performance.now();
    const reason = await checkInChild('native', SETTINGS, { script: path, limitMs });
    if (expected === null) assert.equal(reason, null);
    else assert.match(reason ?? '', expected);
    if (hangs) assert.ok(performance.now() - begun < 10_000, 'nobody waits for its end');
  });
}

test('the real check passes an engine that works, and names one that does not exist', async () => {
  assert.equal(await checkInChild('onnx-cpu', SETTINGS), null);
  assert.equal(await checkInChild('abacus' as EngineName, SETTINGS), 'there is no engine "abacus".');
});
