// What CUDA needs beside the npm package, looked for without loading any of it.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

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
