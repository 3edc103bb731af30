// Installs @tensorflow/tfjs-node-gpu with its native part (an optional peer: its tree is old and large), then says what it found.
// `--install-only` leaves out the look at the GPU: for building an image on a machine that has none.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const NAME = '@tensorflow/tfjs-node-gpu';
const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const version = peerDependencies[NAME];

// npm does not install an optional peer of the project itself, so it goes into a folder of its own, with a link to it.
const home = join(root, 'node_modules', '.gpu');
mkdirSync(home, { recursive: true });
writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
step(`Installing ${NAME}@${version}`, ['install', '--prefix', home, '--ignore-scripts', `${NAME}@${version}`]);
// Only this package may run its scripts: they fetch libtensorflow and the addon from Google's storage.
step('Fetching its native part', ['rebuild', '--prefix', home, '--ignore-scripts=false', NAME]);
const link = join(root, 'node_modules', NAME);
mkdirSync(dirname(link), { recursive: true });
rmSync(link, { recursive: true, force: true });
symlinkSync(join(home, 'node_modules', NAME), link, 'junction');

if (!process.argv.includes('--install-only')) look();
process.stdout.write(`${NAME} ${version} is ready.\n`);

/** Loads it in a process of its own: a library that fails to load can take its process with it. */
function look() {
  const script = `const util = require('node:util'); util.isNullOrUndefined ??= (value) => value == null; util.isArray ??= Array.isArray;
    const tf = require('${NAME}');
    tf.ready().then(() => console.log(tf.getBackend(), tf.backend().isUsingGpuDevice));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
  const [backend, onGpu] = stdout.trim().split('\n').at(-1)?.split(' ') ?? [];
  if (status !== 0 || backend !== 'tensorflow') {
    fail(
      `${NAME} is installed but does not load:\n${stderr}\nIt binds libtensorflow 2.9 and wants CUDA 11.2 with cuDNN 8.1; see Dockerfile, target gpu.`,
    );
  }
  if (onGpu !== 'true') {
    fail(
      `${NAME} loads but found no GPU, and would compute on the CPU without saying so. Check nvidia-smi, CUDA 11.2 and cuDNN 8.1.`,
    );
  }
  process.stdout.write('It uses the GPU.\n');
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
