// Installs @tensorflow/tfjs-node-gpu with its native part (an optional peer: its tree is old and large), then says what it found.
// Of CUDA it brings nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const NAME = '@tensorflow/tfjs-node-gpu';
const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const version = peerDependencies[NAME];
/** To load libtensorflow and to start CUDA; a driver that hangs would keep it for ever. */
const LOOK_MS = 120_000;
const USAGE = `Usage: npm run setup:gpu, or node scripts/setup-gpu.mjs [--install-only]
Installs ${NAME} ${version} with its native part into node_modules/.tfjs-node-gpu, and looks whether it finds the GPU.
--install-only  looks for no GPU, before or after: for building an image on a machine that has none.
`;

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(USAGE);
  process.exit();
}
const stranger = args.find((argument) => argument !== '--install-only');
if (stranger !== undefined) fail(`${stranger} is not an option.\n${USAGE}`);
const installOnly = args.length > 0;
if (!installOnly) findDriver();

// npm does not install an optional peer of the project itself, and takes away what it did not install: so it goes into a folder of
// its own, where src/compute/tensorflow/addon.ts looks.
const home = join(root, 'node_modules', '.tfjs-node-gpu');
const directory = join(home, 'node_modules', NAME);
mkdirSync(home, { recursive: true });
writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
step(`Installing ${NAME}@${version}`, ['install', '--prefix', home, '--ignore-scripts', `${NAME}@${version}`]);
// Only this package may run its scripts: they fetch libtensorflow and the addon from Google's storage.
step('Fetching its native part', ['rebuild', '--prefix', home, '--ignore-scripts=false', NAME]);

const addon = nativePart();
if (!installOnly) look();
process.stdout.write(`${NAME} ${version} is ready.\n`);

/** Before some hundred megabytes are fetched for a GPU that is not there. */
function findDriver() {
  const { status, error, stdout, stderr } = spawnSync('nvidia-smi', ['--list-gpus'], {
    encoding: 'utf8',
    timeout: LOOK_MS,
  });
  if (status === 0) return;
  const why = error === undefined ? (stdout + stderr).trim() : error.message;
  fail(
    `There is no NVIDIA GPU here, or no driver of it: nvidia-smi --list-gpus failed (${why}). Nothing was installed; with --install-only it is all the same (node scripts/setup-gpu.mjs --install-only).`,
  );
}

function nativePart() {
  const library = join(directory, 'lib');
  const files = existsSync(library) ? readdirSync(library, { recursive: true }) : [];
  const found = files.find((file) => file.endsWith('tfjs_binding.node'));
  if (found === undefined)
    fail(`${NAME} is installed, but its native part is not in ${library}: its script fetched none.`);
  return join(library, found);
}

/** Loads its addon in a process of its own: a library that fails to load can take its process with it. */
function look() {
  const script = 'console.log(require(process.argv[1]).isUsingGpuDevice());';
  const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, ['-e', script, addon], {
    encoding: 'utf8',
    timeout: LOOK_MS,
    killSignal: 'SIGKILL',
  });
  if (error?.code === 'ETIMEDOUT')
    fail(
      `${NAME} is installed, but did not say within ${LOOK_MS / 1000} s whether it finds a GPU: the driver may hang.`,
    );
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
