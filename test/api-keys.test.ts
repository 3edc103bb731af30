import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { digestOf, keyLine, mayUse, parseKeyLine } from '../src/api-keys.ts';
import { ConfigError, loadConfig } from '../src/config.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const DIGEST = 'ab'.repeat(32);

/** What `gymserve …` prints. */
function gymserve(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', timeout: 20_000 });
}

test('a bare digest has all scopes', () => {
  const key = parseKeyLine(DIGEST);
  assert.ok(key);
  for (const scope of ['read', 'env', 'train', 'admin'] as const) assert.ok(mayUse(key, scope));
});

test('a key may do what its scopes say and nothing else', () => {
  const key = parseKeyLine(` ${DIGEST} read,env # the robot in the cellar`);
  assert.ok(key);
  assert.deepEqual(key, { digest: DIGEST, scopes: ['read', 'env'] });
  assert.ok(mayUse(key, 'env') && !mayUse(key, 'train') && !mayUse(key, 'admin'));
});

test('a line that is written is read as the same key', () => {
  const key = { digest: DIGEST, scopes: ['train'] } as const;
  assert.deepEqual(parseKeyLine(keyLine(key, 'a note').trimEnd()), key);
});

for (const line of ['', '   ', '# a comment'])
  test(`"${line}" names no key`, () => assert.equal(parseKeyLine(line), null));

for (const line of [`${DIGEST}0`, 'gsk_secret', `${DIGEST} root`, `${DIGEST} read, env`, DIGEST.toUpperCase()]) {
  test(`"${line.slice(-20)}" is refused, and not repeated`, () => {
    const file = join(temporaryFolder(), 'keys');
    writeFileSync(file, `${line}\n`);
    assert.throws(
      () => loadConfig(['--api-keys-file', file], {}),
      (error) => error instanceof ConfigError && !error.message.includes(line) && error.message.includes(file),
    );
  });
}

test('keys are created with scopes, listed without a secret, and revoked', () => {
  const file = join(temporaryFolder(), 'keys');
  const named = ['--api-keys-file', file];
  const first = gymserve('keys', 'create', '--scopes', 'read,env', '--note', 'robot', ...named).stdout.trim();
  const second = gymserve('keys', 'create', ...named).stdout.trim();
  assert.match(first, /^gsk_[\w-]{32}$/);
  assert.ok(!readFileSync(file, 'utf8').includes(first));
  const config = loadConfig(named, {});
  assert.deepEqual(config.apiKeys, [
    { digest: digestOf(first), scopes: ['read', 'env'] },
    { digest: digestOf(second), scopes: ['admin'] },
  ]);
  const { stdout } = gymserve('keys', 'list', ...named);
  assert.match(stdout, /read,env +robot\n/);
  assert.ok(!stdout.includes(first));
  assert.equal(gymserve('keys', 'revoke', digestOf(first).slice(0, 12), ...named).status, 0);
  assert.deepEqual(
    loadConfig(named, {}).apiKeys?.map(({ digest }) => digest),
    [digestOf(second)],
  );
});

for (const { args, says } of [
  { args: ['keys', 'create', '--scopes', 'root'], says: /--scopes names "root"; give some of read, env, train, admin/ },
  { args: ['keys', 'revoke', '0'.repeat(12), '--api-keys-file', '/nowhere/keys'], says: /does not exist/ },
  { args: ['keys'], says: /Usage: gymserve keys create/ },
  { args: ['dance'], says: /There is no command "dance"; there are: serve, keys/ },
]) {
  test(`gymserve ${args.join(' ')} is refused with the remedy`, () => {
    const { status, stderr } = gymserve(...args);
    assert.equal(status, 1);
    assert.match(stderr, says);
  });
}

test('gymserve version is that of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.equal(gymserve('version').stdout, `${version}\n`);
});
