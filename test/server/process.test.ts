import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../scripts/server-process.ts';
import { USAGE } from '../../src/config.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** What the server says where it refuses to start. */
function refusal(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 20_000,
  });
  assert.equal(status, 1, stderr);
  return stderr;
}

test('a server starts on a free port of the loopback address, answers, and ends with 0 on SIGTERM', async () => {
  const server = await startServer();
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.equal((await fetch(`${server.url}/docs/`)).status, 200);
  assert.equal(await server.stop(), 0);
});

test('a server that npm started ends well where npm is ended and takes its shell along', async (t) => {
  const folder = temporaryFolder();
  // As npm runs a script; `true` keeps the shell from becoming the script.
  const command = `"${process.execPath}" scripts/run.mjs start --port 0 --data-dir "${folder}"; true`;
  const env = { ...process.env, npm_lifecycle_event: 'start' };
  const shell = spawn('sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => shell.kill('SIGKILL'));
  let said = '';
  let pid = 0;
  for await (const chunk of shell.stdout) {
    said += chunk;
    if (pid > 0) continue;
    pid = Number(/"pid":(\d+)/.exec(said)?.[1] ?? 0);
    if (pid > 0) shell.kill('SIGKILL');
  }
  // The pipe is closed by the last process that holds it.
  assert.ok(pid > 0, said);
  assert.throws(() => process.kill(pid, 0), /ESRCH/);
  await startServer({ dataDir: folder }).then((server) => server.stop());
});

test('a public address without keys is refused', () => {
  assert.match(refusal(['--host', '0.0.0.0', '--port', '0']), /Refusing to listen on the public address 0\.0\.0\.0/);
});

for (const { args, says } of [
  { args: ['--port', '65536'], says: /--port \(GYMSERVE_PORT\) is "65536"; give an integer from 0 to 65535/ },
  { args: ['--port', '-1'], says: /--port .* is "-1"/ },
  { args: ['--insecure', '-1'], says: /--insecure .* is "-1"/ },
  { args: ['-1'], says: /^There is no option -1\. .*--help/ },
  { args: ['--threads', '1.5'], says: /--threads .* is "1.5"/ },
  { args: ['--log-level', 'loud'], says: /--log-level .* is "loud"; give one of: fatal/ },
  { args: ['--no-such-flag', '1'], says: /^There is no option --no-such-flag\. .*--help.*\n$/ },
  { args: ['--prot', '1'], says: /Did you mean "--port"\?/ },
  { args: ['--port'], says: /'--port <value>' argument missing\n.*--help/ },
  { args: ['sreve'], says: /There is no command "sreve".*Did you mean "serve"\?/ },
  { args: ['--engine', 'abacus', '--data-dir', temporaryFolder()], says: /There is no engine "abacus"/ },
  {
    args: ['--host', 'example.invalid', '--insecure'],
    says: /^Cannot listen on example\.invalid:8000 \((ENOTFOUND|EAI_AGAIN)\)/,
  },
  { args: ['version', 'extra'], says: /^gymserve version takes nothing more, and there is "extra"/ },
  {
    args: ['--data-dir', '/proc/x/y'],
    says: /^The data directory \/proc\/x\/y cannot be used \(.*\/proc\/x.*--data-dir/,
  },
  {
    args: ['--cache-dir', '/proc/x', '--data-dir', temporaryFolder()],
    says: /^The folder \/proc\/x for compiled programs cannot be made \(.*--cache-dir/,
  },
  {
    args: ['--create-key', '--data-dir', '/proc/x'],
    says: /^The folder of the keys file \/proc\/x\/api-keys cannot be made/,
  },
  {
    args: ['keys', 'create', '--data-dir', '/proc/x'],
    says: /^The folder of the keys file \/proc\/x\/api-keys cannot/,
  },
]) {
  test(`${args.join(' ')} is refused with the value and the remedy`, () => {
    assert.match(refusal(args), says);
  });
}

test('help and --help tell the usage', () => {
  for (const argument of ['help', '--help', '-h']) {
    const { status, stdout } = spawnSync(process.execPath, [MAIN, argument], { encoding: 'utf8' });
    assert.deepEqual([status, stdout], [0, USAGE]);
  }
});

test('a data directory that cannot be used is refused with the reason and the remedy', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file');
  writeFileSync(file, 'not a folder');
  assert.match(refusal(['--port', '0', '--data-dir', file]), /The data directory .*file cannot be used \(.*--data-dir/);
  const junk = join(folder, 'junk');
  mkdirSync(junk);
  writeFileSync(join(junk, 'gymserve.db'), 'not a database, but long enough to be looked at as one'.repeat(100));
  assert.match(
    refusal(['--port', '0', '--data-dir', junk]),
    /The data directory .*junk cannot be used \(.*not a database/,
  );
});

test('an environment variable does what its flag does, and the flag wins', () => {
  assert.match(refusal([], { GYMSERVE_PORT: 'http' }), /GYMSERVE_PORT\) is "http"/);
  const env = { GYMSERVE_PORT: 'http', GYMSERVE_DATA_DIR: temporaryFolder() };
  assert.match(
    refusal(['--port', '1', '--host', '192.0.2.1', '--insecure', 'true'], env),
    /Cannot listen on 192\.0\.2\.1:1/,
  );
});

test('a key that the server makes is shown once and asked for from then on', async (t) => {
  const dataDir = join(temporaryFolder(), 'data');
  const first = await startServer({ dataDir, args: ['--create-key', 'true'] });
  const key = first.announced.map((line) => /gsk_[\w-]+/.exec(line)?.[0]).find((found) => found !== undefined);
  assert.ok(key, first.announced.join('\n'));
  const status = async (url: string, headers: Record<string, string>) =>
    (await fetch(`${url}/v1/agents`, { headers })).status;
  assert.equal(await status(first.url, {}), 401);
  assert.equal(await status(first.url, { authorization: 'Bearer gsk_wrong' }), 401);
  assert.equal(await status(first.url, { authorization: `Bearer ${key}` }), 200);
  assert.equal((await fetch(`${first.url}/healthz`)).status, 200);
  await first.stop();

  const second = await startServer({ dataDir, args: ['--create-key', 'true'] });
  t.after(() => second.stop());
  assert.ok(!second.announced.join('\n').includes('gsk_'));
  assert.equal(await status(second.url, { authorization: `Bearer ${key}` }), 200);
});
