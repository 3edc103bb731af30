// Installs @tensorflow/tfjs-node-gpu with its native part (an optional peer: its tree is old and large), then says what it found.
// `--install-only` leaves out the look at the GPU: for building an image on a machine that has none.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const NAME = '@tensorflow/tfjs-node-gpu';
const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const version = peerDependencies[NAME];

// npm does not install an optional peer of the project itself, and takes away what it did not install: so it goes into a folder of
// its own, where src/compute/tensorflow/addon.ts looks.
const home = join(root, 'node_modules', '.tfjs-node-gpu');
const directory = join(home, 'node_modules', NAME);
mkdirSync(home, { recursive: true });
writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
step(`Installing ${NAME}@${version}`, ['install', '--prefix', home, '--ignore-scripts', `${NAME}@${version}`]);
// Only this package may run its scripts: they fetch libtensorflow and the addon from Google's storage.
step('Fetching its native part', ['rebuild', '--prefix', home, '--ignore-scripts=false', NAME]);

if (!process.argv.includes('--install-only')) look();
process.stdout.write(`${NAME} ${version} is ready.\n`);

/** Loads its addon in a process of its own: a library that fails to load can take its process with it. */
function look() {
  const library = join(directory, 'lib');
  const addon = readdirSync(library, { recursive: true }).find((file) => file.endsWith('tfjs_binding.node'));
  if (addon === undefined) fail(`${NAME} is installed, but its native part is not in ${library}.`);
  const script = 'console.log(require(process.argv[1]).isUsingGpuDevice());';
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', script, join(library, addon)], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    fail(
      `${NAME} is installed but does not load (${signal ?? `exit code ${status}`}):\n${stderr}\nIt binds libtensorflow 2.9 and wants CUDA 11.2 with cuDNN 8.1; see Dockerfile, target gpu.`,
    );
  }
  if (stdout.trim() !== 'true') {
    fail(
      `${NAME} loads but found no GPU, and would compute on the CPU without saying so; the engine "tfjs-node-gpu" stays unavailable.\n${missing(stderr)}Check nvidia-smi, CUDA 11.2 and cuDNN 8.1.`,
    );
  }
  process.stdout.write('It uses the GPU.\n');
}

/** The libraries that TensorFlow says it did not find, a line each. */
function missing(log) {
  const names = new Set([...log.matchAll(/Could not load dynamic library '([^']+)'/g)].map(([, name]) => name));
  return [...names].map((name) => `It did not find ${name}.\n`).join('');
}

function step(what, args) {
  process.stdout.write(`${what}…\n`);
  const { status } = spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) fail(`${what} failed; the lines above say why. Nothing else of Gymserve needs it.`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
