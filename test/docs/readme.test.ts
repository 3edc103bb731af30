// The README's curl session, run verbatim against a real server.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startServer } from '../../scripts/server-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const readme = readFileSync('README.md', 'utf8');

test("the README's curl session works as it stands", { timeout: 120_000 }, async (t) => {
  const session = /```sh\n(url=http:\/\/127\.0\.0\.1:8000\n[\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(session, 'README.md has no curl session');
  const server = await startServer();
  t.after(() => server.stop());
  const folder = temporaryFolder();
  // Only the port differs from what a reader types.
  const script = session.replace('http://127.0.0.1:8000', server.url);
  const run = spawnSync('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder, encoding: 'utf8' });
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  assert.match(run.stdout, /"reward":-/);
  assert.match(run.stdout, /event: job\.done/);
  assert.match(run.stdout, /^succeeded$/m);
  assert.match(run.stdout, /"action":\[-?\d/);
  for (const file of ['pendulum.png', 'swing.png', 'policy.safetensors', 'policy.onnx'])
    assert.ok(existsSync(join(folder, file)), file);
});

test('every file and every npm script that the README names exists', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  for (const [, file] of readme.matchAll(/\]\((?!http)([^)#]+)\)/g)) assert.ok(existsSync(String(file)), file);
  for (const [, name] of readme.matchAll(/npm run (?:--silent )?([\w:]+)/g)) assert.ok(String(name) in scripts, name);
});
