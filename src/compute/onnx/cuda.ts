// What CUDA needs beside the npm package, looked for without loading any of it, and how exactly it is to compute.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/** Why `onnx-cuda` cannot work here, or null where nothing is known to be missing. */
export function cudaAbsent(): string | null {
  const { platform, arch } = process;
  if (`${platform} ${arch}` !== 'linux x64')
    return `onnxruntime-node brings CUDA for Linux on x64 alone; this is ${platform} on ${arch}.`;
  const library = join(bindingFolder(), 'libonnxruntime_providers_cuda.so');
  if (!existsSync(library)) return `there is no ${library}.`;
  if (!existsSync('/dev/nvidiactl'))
    return 'there is no /dev/nvidiactl: no NVIDIA driver runs here, or a container was not given its GPU.';
  return null;
}

function bindingFolder(): string {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  return join(dirname(entry), '..', 'bin', 'napi-v6', process.platform, process.arch);
}

// biome-ignore lint/style/noProcessEnv: this is a library's way in, not configuration of the server.
const environment = process.env;

/**
 * Asks NVIDIA's libraries for products in full float32, unless the operator wrote otherwise: by default they round operands to 10
 * bits, and the binding has no option for it. They read it when they are loaded, and only what the main thread wrote; processes
 * inherit it.
 */
export function preferFullPrecision(): void {
  if (isMainThread) environment['NVIDIA_TF32_OVERRIDE'] ??= '0';
}

/** What of it stands in a program's identity. */
export const describePrecision = (): string => `tf32=${environment['NVIDIA_TF32_OVERRIDE'] ?? '-'}`;
