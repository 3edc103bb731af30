// Runs a task of package.json on a machine that has only Node and npm: installs what is missing, builds what is stale,
// then runs it. Plain JavaScript on Node's own modules, because it runs before anything is installed.
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const CONTRACT = 'src/api/contract.gen.ts';
/** From openapi.yaml and from normals.wat. */
const GENERATED = [CONTRACT, 'src/math/normals.gen.ts'];
/** C that the native engine puts before what it generates. */
const RUNTIME = 'src/compute/native/runtime';
const BUILD_STAMP = 'dist/.built';
const INSTALL_STAMP = 'node_modules/.package-lock.json';
/** What build-tfjs-node.sh and setup-gpu.mjs put into node_modules in minutes, where npm ci leaves nothing that is not its own. */
const ADDONS = ['.tfjs-node', '.tfjs-node-gpu'];
/** Where they wait for it: beside node_modules, so that to move them is to rename them. */
const CARRIED = '.carried';
/** Of a file of tests; the longest takes three minutes on a slow machine, with TensorFlow ten. What hangs must not keep others from being run. */
const LONGEST_MS = 1_200_000;
const SOURCES = ['src', 'test', 'bench', 'scripts', 'openapi.yaml', 'tsconfig.json', 'package-lock.json'];

const tasks = {
  build,
  start: (args) => built('dist/src/main.js', args),
  demo: (args) => built('dist/scripts/demo.js', args),
  study: (args) => built('dist/scripts/study.js', args),
  bench: async ([name, ...args]) => {
    await build();
    await node(`dist/bench/${benchmark(name)}.js`, ...args);
  },
  test: (args) => test(args, (file) => !isSlow(file)),
  'test:slow': (args) => test(args, isSlow),
  // Not a prepack script, which .npmrc keeps npm from running.
  pack: async () => {
    await build();
    await npm('pack', '--loglevel=error');
  },
  generate,
  lint,
  check: async () => {
    await lint();
    await test([], (file) => !isSlow(file));
  },
};

// For tests that load onnxruntime themselves; src/compute/process-environment.ts says why.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
// What tests and benchmarks compile natively is kept from one run to the next, and beside no one's data.
process.env['GYMSERVE_CACHE_DIR'] ??= join(root, 'node_modules/.cache/gymserve');

const [task = '', ...args] = process.argv.slice(2);
if (!(task in tasks)) fail(`There is no task "${task}"; there are: ${Object.keys(tasks).join(', ')}.`);
checkNode();
await install();
await tasks[task](args);

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Gymserve needs Node 20.19 or later; this is ${process.version}.`);
}

async function install() {
  if (newest(['package-lock.json', 'package.json']) <= modified(INSTALL_STAMP)) return;
  process.stderr.write('Installing packages…\n');
  for (const name of ADDONS) move(join('node_modules', name), join(CARRIED, name));
  // Also where npm fails, which ends this process. What a killed run left in CARRIED comes back with the next.
  process.once('exit', bringBack);
  await npm('ci', '--no-audit', '--no-fund', '--loglevel=error');
  bringBack();
}

function bringBack() {
  for (const name of ADDONS) move(join(CARRIED, name), join('node_modules', name));
  rmSync(join(root, CARRIED), { recursive: true, force: true });
}

/** Nothing where nothing lies at `from`; in place of what lies at `to`. */
function move(from, to) {
  if (!existsSync(join(root, from))) return;
  rmSync(join(root, to), { recursive: true, force: true });
  mkdirSync(dirname(join(root, to)), { recursive: true });
  renameSync(join(root, from), join(root, to));
}

async function build() {
  if (newest(SOURCES) <= modified(BUILD_STAMP)) return;
  process.stderr.write('Building…\n');
  // A file that was renamed or deleted must not go on living as compiled output.
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], 'stderr');
  cpSync(join(root, RUNTIME), join(root, 'dist', RUNTIME), { recursive: true });
  writeFileSync(join(root, BUILD_STAMP), '');
}

async function generate() {
  await node('node_modules/openapi-typescript/bin/cli.js', 'openapi.yaml', '-o', CONTRACT);
  await node('scripts/generate-wasm.mjs');
}

/** All that can be checked without running the program. */
async function lint() {
  const read = () => GENERATED.map((file) => readFileSync(join(root, file), 'utf8'));
  const before = read();
  await generate();
  const changed = GENERATED.filter((_, index) => read()[index] !== before[index]);
  if (changed.length > 0)
    fail(`Not what its source makes, until now: ${changed.join(', ')}. Look at the change and keep it.`);
  await node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit', '--incremental', 'false');
  await node('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.');
  await node('node_modules/@redocly/cli/bin/cli.js', 'lint', 'openapi.yaml');
  await node('node_modules/knip/bin/knip.js');
}

function benchmark(name) {
  const names = readdirSync(join(root, 'dist/bench')).flatMap((file) =>
    file.endsWith('.js') ? [file.slice(0, -3)] : [],
  );
  if (names.includes(name)) return name;
  return fail(`There is no benchmark "${name ?? ''}"; there are: ${names.join(', ')}.`);
}

async function built(script, args) {
  await build();
  await node(script, ...args);
}

/** Runs the test files that `wanted` accepts and, where there are words, whose path contains one of them. */
async function test(words, wanted) {
  await build();
  const all = files('dist/test').filter((file) => file.endsWith('.test.js') && wanted(file));
  const chosen = words.length === 0 ? all : all.filter((file) => words.some((word) => file.includes(word)));
  if (chosen.length === 0) fail(`No test file matches: ${words.join(', ')}.`);
  // In turn: several train on all cores, and a slow machine must not fail them.
  await node('--test', '--test-concurrency=1', `--test-timeout=${LONGEST_MS}`, '--test-reporter=spec', ...chosen);
}

function isSlow(file) {
  return file.split(/[\\/]/).includes('slow');
}

function files(folder) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [folder];
  // Names with a dot are tools' own: a Python environment under bench/peers has a hundred thousand files.
  return readdirSync(path)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => files(join(folder, name)));
}

function modified(file) {
  return existsSync(join(root, file)) ? statSync(join(root, file)).mtimeMs : 0;
}

function newest(paths) {
  return paths
    .flatMap(files)
    .map(modified)
    .reduce((a, b) => Math.max(a, b), 0);
}

/** What it says of itself does not belong to a task's output. */
function npm(...args) {
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, 'stderr');
}

function node(...args) {
  return run(process.execPath, ['--enable-source-maps', ...args]);
}

/** Runs to the end, passing on the signals that ask this process to stop; ends this process where the command fails. */
function run(command, args, stdout = 'inherit') {
  const out = stdout === 'stderr' ? process.stderr.fd : 'inherit';
  const child = spawn(command, args, { cwd: root, stdio: ['inherit', out, 'inherit'] });
  const watch = watchNpm(() => child.kill('SIGTERM'));
  // Ctrl-C reaches the child by itself, being of the same process group; a plain SIGTERM does not.
  const forward = () => child.kill('SIGTERM');
  const stay = () => undefined;
  process.on('SIGTERM', forward).on('SIGINT', stay);
  return new Promise((resolve) => {
    child.on('error', (error) => fail(`${command}: ${error.message}`));
    child.on('exit', (status, signal) => {
      clearInterval(watch);
      process.off('SIGTERM', forward).off('SIGINT', stay);
      if (status === 0) return resolve();
      if (status === null) process.stderr.write(`${command} ended by ${signal}.\n`);
      process.exit(status ?? 1);
    });
  });
}

/** A SIGTERM to npm ends npm and its shell, and never comes here: a server would live on, unseen. */
function watchNpm(stop) {
  const { ppid } = process;
  if (process.env['npm_lifecycle_event'] === undefined) return undefined;
  const timer = setInterval(() => {
    if (process.ppid === ppid) return;
    // Once: a second one would cut the drain short.
    clearInterval(timer);
    stop();
  }, 500).unref();
  return timer;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  return process.exit(1);
}
