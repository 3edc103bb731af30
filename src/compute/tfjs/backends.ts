// The backends of tfjs that a program can run on, each an instance of its own: tfjs's choice of one, its tensors and a tracing that
// is under way see nothing of it.
import * as tf from '@tensorflow/tfjs-core';

/** One backend and what differs between them beside their kernels. */
export interface EagerBackend {
  /** Under which its kernels are registered. */
  readonly name: 'cpu' | 'wasm';
  readonly version: string;
  /** Whether `Minimum`, `Maximum` and `ClipByValue` of NaN are NaN. */
  readonly keepsNan: boolean;
  /** What kernels are given; its type is the backend's own. */
  readonly instance: object;
  /** A tensor of `values`, which kernels only read. */
  place(values: Float32Array | Uint8Array, shape: readonly number[], dtype: 'float32' | 'bool'): tf.TensorInfo;
  /** The numbers of a tensor, valid until the next call. */
  read(tensor: tf.TensorInfo): ArrayLike<number>;
  /** Gives one reference back. */
  release(tensor: tf.TensorInfo): void;
}

export async function cpuBackend(): Promise<EagerBackend> {
  // Loaded when first needed: importing it registers a backend with tfjs.
  const { MathBackendCPU, version_cpu } = await import('@tensorflow/tfjs-backend-cpu');
  const instance = new MathBackendCPU();
  // Else its first tensor prints an advertisement for tfjs-node.
  Object.assign(instance, { firstUse: false });
  return {
    name: 'cpu',
    version: version_cpu,
    keepsNan: true,
    instance,
    place: (values, shape, dtype) => instance.makeTensorInfo([...shape], dtype, values),
    read: ({ dataId }) => instance.data.get(dataId).values as ArrayLike<number>,
    release: ({ dataId }) => void instance.disposeData(dataId),
  };
}

let wasm: Promise<EagerBackend> | undefined;

/** One for all programs of a thread: the kernels are bound to the instance that was set up last. */
export function wasmBackend(): Promise<EagerBackend> {
  wasm ??= startWasm();
  return wasm;
}

async function startWasm(): Promise<EagerBackend> {
  const { version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
  const make = tf.findBackendFactory('wasm');
  // Of those registered tfjs takes the one of the highest priority where none was chosen: that must not become this one.
  tf.removeBackend('wasm');
  const instance = (await withoutListeners(make)) as import('@tensorflow/tfjs-backend-wasm').BackendWasm;
  for (const { setupFunc } of tf.getKernelsForBackend('wasm')) setupFunc?.(instance);
  return {
    name: 'wasm',
    version: version_wasm,
    keepsNan: false,
    instance,
    place: (values, shape, dtype) => instance.makeOutput([...shape], dtype, undefined, values),
    // A view of the memory of WebAssembly: the next allocation can move it.
    read: (tensor) => instance.typedArrayFromHeap(tensor),
    release: ({ dataId }) => void instance.disposeData(dataId),
  };
}

/** The module makes every rejection that nobody waits for an exception, for the whole thread; whether that is so is for the server to say. */
async function withoutListeners<T>(start: () => T | Promise<T>): Promise<T> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'exit')));
  try {
    return await start();
  } finally {
    for (const [index, event] of events.entries()) {
      for (const listener of process.listeners(event as 'exit'))
        if (!before[index]?.has(listener)) process.removeListener(event, listener);
    }
  }
}
