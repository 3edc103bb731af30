// Installs @tensorflow/tfjs-node-gpu with its native part (an optional peer: its tree is old and large), then says what it found.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const NAME = '@tensorflow/tfjs-node-gpu';
const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const version = peerDependencies[NAME];

step(`Installing ${NAME}@${version}`, ['install', '--no-save', '--ignore-scripts', `${NAME}@${version}`]);
// Only this package may run its scripts: they fetch libtensorflow and the addon from Google's storage.
step('Fetching its native part', ['rebuild', '--ignore-scripts=false', NAME]);

// A process of its own: a library that fails to load can take its process with it.
const probe = spawnSync(
  process.execPath,
  [
    '-e',
    `const util = require('node:util'); util.isNullOrUndefined ??= (value) => value == null; util.isArray ??= Array.isArray;
     const tf = require('${NAME}');
     tf.ready().then(() => console.log(tf.getBackend(), tf.backend().isUsingGpuDevice));`,
  ],
  { cwd: root, encoding: 'utf8' },
);
const [backend, onGpu] = probe.stdout.trim().split('\n').at(-1)?.split(' ') ?? [];
if (probe.status !== 0 || backend !== 'tensorflow') {
  fail(
    `${NAME} is installed but does not load:\n${probe.stderr}\nIt binds libtensorflow 2.9 and wants CUDA 11.2 with cuDNN 8.1; see Dockerfile, target gpu.`,
  );
}
if (onGpu !== 'true') {
  fail(
    `${NAME} loads but found no GPU, and would compute on the CPU without saying so. Check nvidia-smi, CUDA 11.2 and cuDNN 8.1.`,
  );
}
process.stdout.write(`${NAME} ${version} is ready and uses the GPU.\n`);

function step(what, args) {
  process.stdout.write(`${what}…\n`);
  const { status } = spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) fail(`${what} failed; the lines above say why. Nothing else of Gymserve needs it.`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
