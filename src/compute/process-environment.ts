// TensorFlow, onnxruntime and NVIDIA's libraries take their settings from the environment when they are loaded, and they are one for the
// whole process: what decides the bits of results, how many cores are taken and that nothing is told to anybody is written there before. A thread has a copy that a library
// does not see, so the main thread writes it, before it starts the others; other processes inherit it.
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
  // On a GPU, products in full float32: by default NVIDIA's libraries round operands to 10 bits, and no binding has an option for it.
  NVIDIA_TF32_OVERRIDE: '0',
  // Errors only: it describes the processor at every start.
  TF_CPP_MIN_LOG_LEVEL: '2',
  // Else onnxruntime, from 1.29 on, sends Microsoft events and an id of this machine, which it keeps below ~/.cache (microsoft/onnxruntime#27379).
  ORT_DISABLE_TELEMETRY: '1',
};

/** Those of the settings that change the bits of TensorFlow's results. */
const DECIDING = ['TF_NUM_INTRAOP_THREADS', 'TF_ENABLE_ONEDNN_OPTS', 'TF_DETERMINISTIC_OPS', 'NVIDIA_TF32_OVERRIDE'];

// biome-ignore lint/style/noProcessEnv: this is the libraries' way in, not configuration of the server.
const environment = process.env;

/**
 * To be called before one of the libraries is loaded, and in the main thread before that starts another one that will: what another thread
 * writes reaches nobody. Throws where that was not done.
 */
export function prepareEnvironment(): void {
  const missing = Object.entries(DEFAULTS).filter(([name]) => environment[name] === undefined);
  if (missing.length > 0 && !isMainThread)
    throw new Error('The main thread did not prepare the environment of native libraries.');
  for (const [name, value] of missing) environment[name] = value;
}

/** What of it stands in the identity of a program of TensorFlow. */
export const describeEnvironment = (): string => DECIDING.map((name) => environment[name] ?? '-').join(' ');

/** What of it stands in the identity of a program that runs on CUDA. */
export const describePrecision = (): string => `tf32=${environment['NVIDIA_TF32_OVERRIDE'] ?? '-'}`;
