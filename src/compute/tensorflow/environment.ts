// TensorFlow takes its settings from the environment when it is loaded, and they are one for the whole process: what decides the bits
// of its results and how many cores it takes is written there before. A thread has a copy that the library does not see, so the main
// thread writes it, before it starts the others.
import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';

/** What is written where the operator wrote nothing; beside each, why. */
const DEFAULTS: Readonly<Record<string, string>> = {
  // Operations side by side, each on one thread: faster than all threads on each in turn, and how many there are changes no bit.
  TF_NUM_INTRAOP_THREADS: '1',
  TF_NUM_INTEROP_THREADS: String(availableParallelism()),
  // The default on x86-64; written down because it decides bits.
  TF_ENABLE_ONEDNN_OPTS: '1',
  // On a GPU, no sums in the order in which threads happen to arrive.
  TF_DETERMINISTIC_OPS: '1',
  // Else the first program takes all memory of the GPU.
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  // Errors only: it describes the processor at every start.
  TF_CPP_MIN_LOG_LEVEL: '2',
};

/** Those of the settings that change the bits of a result; the last is NVIDIA's, who rounds products to 10 bits unless it is 0. */
const DECIDING = ['TF_NUM_INTRAOP_THREADS', 'TF_ENABLE_ONEDNN_OPTS', 'TF_DETERMINISTIC_OPS', 'NVIDIA_TF32_OVERRIDE'];

// biome-ignore lint/style/noProcessEnv: this is a library's way in, not configuration of the server.
const environment = process.env;

/**
 * To be called before TensorFlow is loaded, and in the main thread before that starts another one that will: what another thread
 * writes reaches nobody. Throws where that was not done.
 */
export function prepareEnvironment(): void {
  const missing = Object.entries(DEFAULTS).filter(([name]) => environment[name] === undefined);
  if (missing.length > 0 && !isMainThread)
    throw new Error('The main thread did not prepare the environment of TensorFlow.');
  for (const [name, value] of missing) environment[name] = value;
}

/** What of it stands in a program's identity. */
export const describeEnvironment = (): string => DECIDING.map((name) => environment[name] ?? '-').join(' ');
