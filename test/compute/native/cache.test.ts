// Compiled programs on disk: built once, checked before they are opened, and when one cannot be built the server says why and how to
// mend it, uses the next engine and leaves nothing behind.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Engines, selfTest } from '../../../src/compute/engines.ts';
import type { Graph } from '../../../src/compute/graph.ts';
import { nativeEngine } from '../../../src/compute/native/engine.ts';
import { nodeMaker } from '../../../src/compute/nodes.ts';
import { DomainError } from '../../../src/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { FakeCompiler, type Manner, verdict } from './compilers.ts';
import { machineCompiler, skip } from './machine.ts';

/** y = 2x: the cheapest to compile. */
function doubling(): Graph {
  const make = nodeMaker();
  const x = make({ kind: 'input', name: 'x' }, [], [3]);
  const y = make({ kind: 'add' }, [x, x], [3]);
  return { inputs: new Map([['x', x]]), state: new Map(), outputs: new Map([['y', y]]) };
}

async function double(cacheDirectory: string, compiler: string | null, timeLimitMs?: number): Promise<number[]> {
  const limit = timeLimitMs === undefined ? {} : { timeLimitMs };
  const engine = nativeEngine({ cacheDirectory, compiler, ...limit });
  const program = await engine.compile(doubling(), { threads: 2 });
  program.inputs['x']?.set([1, 2, 3]);
  await program.run();
  const result = [...(program.outputs['y'] as Float32Array)];
  await program.dispose();
  return result;
}

/** A folder for the compiler, and one in it for the cache, which is not there yet. */
function folders(): { readonly folder: string; readonly cache: string } {
  const folder = temporaryFolder();
  return { folder, cache: join(folder, 'cache', 'native') };
}

const endings = (directory: string): string[] =>
  readdirSync(directory).map((file) => file.replace(/^[0-9a-f]{64}/, ''));

test('a program is compiled once, into a directory of its owner alone, and then found', { skip }, async () => {
  const { folder, cache } = folders();
  const compiler = new FakeCompiler(folder, 'right');
  assert.deepEqual(await double(cache, compiler.command), [2, 4, 6]);
  assert.equal(compiler.compilations, 1);
  assert.deepEqual(await double(cache, compiler.command), [2, 4, 6]);
  assert.equal(compiler.compilations, 1);
  assert.equal(statSync(cache).mode & 0o777, 0o700);
  assert.deepEqual(endings(cache).sort(), ['.c', '.node', '.node.sha256']);
});

test('a compiler that breaks after it was checked is named with its reason and the remedy', { skip }, async () => {
  const { folder, cache } = folders();
  const { command } = new FakeCompiler(folder, 'right');
  const engine = await new Engines({ compiler: command, cacheDirectory: cache, dumpDirectory: null }).find('native');
  new FakeCompiler(folder, 'with an error');
  await assert.rejects(
    engine.compile(doubling(), { threads: 1 }),
    (thrown: unknown) =>
      thrown instanceof DomainError &&
      thrown.code === 'engine_not_available' &&
      /"native" could not compile .*the moon is in the wrong place\. .*--cc .*"onnx-cpu"/.test(thrown.message),
  );
});

for (const { what, file, spoil } of [
  { what: 'whose bytes changed', file: '.node', spoil: (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)]) },
  { what: 'that was cut short', file: '.node', spoil: (bytes: Buffer) => bytes.subarray(0, 100) },
  { what: 'whose digest is another', file: '.node.sha256', spoil: () => Buffer.from(`${'0'.repeat(64)}\n`) },
  { what: 'whose digest is empty', file: '.node.sha256', spoil: () => Buffer.alloc(0) },
]) {
  test(`a library ${what} is built again`, { skip }, async () => {
    const { folder, cache } = folders();
    const compiler = new FakeCompiler(folder, 'right');
    await double(cache, compiler.command);
    const path = join(cache, readdirSync(cache).find((name) => name.endsWith(file)) as string);
    const bytes = readFileSync(path);
    // As a new file: a running program has the old one mapped.
    execFileSync('rm', [path]);
    writeFileSync(path, spoil(bytes));
    assert.deepEqual(await double(cache, compiler.command), [2, 4, 6]);
    assert.equal(compiler.compilations, 2);
    assert.deepEqual(await double(cache, compiler.command), [2, 4, 6]);
    assert.equal(compiler.compilations, 2);
  });
}

test('two engines that compile one program at once both get it', { skip }, async () => {
  const { folder, cache } = folders();
  const compiler = new FakeCompiler(folder, 'right');
  const results = await Promise.all([1, 2].map(() => double(cache, compiler.command)));
  assert.deepEqual(results, [
    [2, 4, 6],
    [2, 4, 6],
  ]);
  assert.equal(compiler.compilations, 2);
  assert.deepEqual(endings(cache).sort(), ['.c', '.node', '.node.sha256']);
});

const FAILURES: readonly { readonly manner: Manner; readonly reason: RegExp }[] = [
  { manner: 'with an error', reason: /failed \(1\): no\.c:1: error: the moon is in the wrong place/ },
  { manner: 'to nothing', reason: /ended well, but without a library/ },
  { manner: 'to garbage', reason: /failed: .*(invalid ELF header|file too short|not a mach-o|slice is not valid)/i },
  { manner: 'to what aborts', reason: /when it was first run, was ended by SIGABRT/ },
  { manner: 'to what differs', reason: /first run, failed: one thread and two threads do not give the same bytes/ },
];

for (const { manner, reason } of FAILURES) {
  test(`a compiler that compiles ${manner} makes the engine unavailable, with the reason`, { skip }, async () => {
    const { folder, cache } = folders();
    const compiler = new FakeCompiler(folder, manner);
    const said = await verdict(compiler.command, cache);
    assert.equal(said.available, false);
    assert.match(said.reason ?? '', reason);
    assertRefused(said);
    assert.equal(compiler.compilations, 1);
    assert.deepEqual(readdirSync(cache), [], 'what a failure leaves behind');
  });
}

/** Asked for by name it is refused, with the reason and the remedy; `auto` is another. */
function assertRefused({ code, message, reason, auto }: Awaited<ReturnType<typeof verdict>>): void {
  assert.equal(code, 'engine_not_available');
  assert.ok(message.includes(reason as string), `${message} should say: ${reason}`);
  assert.match(message, /apt-get install gcc/);
  assert.equal(auto, 'onnx-cpu');
}

test('a compiler that does not end is ended after its time, and that is said', { skip }, async () => {
  const { folder, cache } = folders();
  const { command } = new FakeCompiler(folder, 'for ever');
  const engine = nativeEngine({ cacheDirectory: cache, compiler: command, timeLimitMs: 2000 });
  assert.match((await selfTest(engine)) as string, /did not end within 2 s/);
  assert.deepEqual(readdirSync(cache), []);
});

test('a compiler that is not there, or is no program, makes the engine unavailable', async () => {
  const { folder, cache } = folders();
  const [missing, text] = [join(folder, 'no such compiler'), join(folder, 'text')];
  writeFileSync(text, 'not a program');
  for (const [command, reason] of [
    [missing, /no such compiler" is not installed/],
    [text, /text" cannot be executed/],
    [folder, /cannot be executed/],
    ['', /is not installed|failed|argument/],
  ] as const) {
    const said = await verdict(command, cache);
    assert.equal(said.available, false);
    assert.match(said.reason ?? '', reason);
    assertRefused(said);
  }
  assert.ok(!existsSync(cache));
});

test('a compiler that talks nonsense makes the engine unavailable', async () => {
  const { folder, cache } = folders();
  const command = join(folder, 'parrot');
  writeFileSync(command, '#!/bin/sh\nhead -c 3000 /dev/urandom\n');
  chmodSync(command, 0o755);
  const said = await verdict(command, cache);
  assert.equal(said.available, false);
  assertRefused(said);
});

test('turned off, the engine says so and is not looked for', async () => {
  const said = await verdict('off', join(temporaryFolder(), 'cache'));
  assert.equal(said.available, false);
  assert.match(said.reason ?? '', /turned off with --cc off/);
  assertRefused(said);
});

test('a compiler is one path, whatever is in it: no shell reads it', { skip }, async () => {
  const { folder, cache } = folders();
  const strange = join(folder, `a b; touch pwned $(touch pwned) 'c`);
  mkdirSync(strange);
  const { command } = new FakeCompiler(folder, 'right');
  const link = join(strange, 'cc -O0');
  symlinkSync(command, link);
  assert.deepEqual(await double(cache, link), [2, 4, 6]);
  const own = machineCompiler().command;
  for (const injected of [`${own}; touch ${folder}/pwned`, `${own} -v`, `$(touch ${folder}/pwned)`, '-x']) {
    const said = await verdict(injected, cache);
    assert.equal(said.available, false, injected);
    assert.match(said.reason ?? '', /is not installed/);
  }
  assert.ok(!readdirSync(folder).includes('pwned') && !existsSync('pwned'));
});

test('the compiler is found through PATH', { skip }, async (t) => {
  const { folder, cache } = folders();
  const compiler = new FakeCompiler(folder, 'right', 'gymserve-test-cc');
  const { PATH = '' } = process.env;
  t.after(() => {
    process.env['PATH'] = PATH;
  });
  process.env['PATH'] = `${folder}${delimiter}${PATH}`;
  assert.deepEqual(await double(cache, 'gymserve-test-cc'), [2, 4, 6]);
  assert.equal(compiler.compilations, 1);
});

test('a cache that is a file makes the engine unavailable and leaves the file', { skip }, async () => {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, 'precious');
  for (const directory of [path, join(path, 'below')]) {
    const said = await verdict(machineCompiler().command, directory);
    assert.equal(said.available, false);
    assert.match(said.reason ?? '', /cache of compiled programs, .*file.*, cannot be used: E(EXIST|NOTDIR)/);
    assertRefused(said);
  }
  assert.equal(readFileSync(path, 'utf8'), 'precious');
});

/** Runs `use` on a file system of its own at `folder`, mounted with `options`; skips where there can be none. */
async function mounted(t: TestContext, folder: string, options: string, use: () => Promise<void>): Promise<void> {
  mkdirSync(folder);
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=16m,${options}`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (thrown) {
    return t.skip(`This process may not mount: ${(thrown as Error).message.split('\n')[1]}`);
  }
  await use().finally(() => execFileSync('/bin/umount', [folder]));
}

test('a cache that may not be written makes the engine unavailable, with its path', { skip }, async (t) => {
  const directory = join(temporaryFolder(), 'read-only');
  const use = async (): Promise<void> => {
    const said = await verdict(machineCompiler().command, directory);
    assert.equal(said.available, false);
    assert.match(said.reason ?? '', /cache of compiled programs, .*read-only, cannot be used: E(ROFS|ACCES)/);
    assertRefused(said);
  };
  // Root may write wherever the file system lets it.
  if (process.getuid?.() === 0) return mounted(t, directory, 'ro', use);
  mkdirSync(directory, { mode: 0o500 });
  return use();
});

test('a cache whose files may not be executed makes the engine unavailable', { skip }, async (t) => {
  const directory = join(temporaryFolder(), 'noexec');
  await mounted(t, directory, 'noexec', async () => {
    const said = await verdict(machineCompiler().command, directory);
    assert.equal(said.available, false);
    assert.match(said.reason ?? '', /failed: .*(failed to map|not permitted|permission)/i);
    assertRefused(said);
    assert.deepEqual(readdirSync(directory), []);
  });
});

test('what is thrown is an error of the catalogue, with nothing of a stack in it', { skip }, async () => {
  const { folder, cache } = folders();
  const { command } = new FakeCompiler(folder, 'to garbage');
  await assert.rejects(
    double(cache, command),
    (thrown: unknown) => thrown instanceof DomainError && !/\n|node:internal|^\s+at /.test(thrown.message),
  );
});
