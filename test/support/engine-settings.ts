// The engines as the environment says: the compiler of GYMSERVE_CC, programs in GYMSERVE_CACHE_DIR.
import { loadConfig } from '../../src/config.ts';

/** Engines that the long tests of training are run on where they work; TensorFlow only on demand, since few have it. */
export const TRAINING_ENGINES: readonly string[] = [
  'native',
  'onnx-cpu',
  ...(process.env['GYMSERVE_CI_TENSORFLOW'] === '1' ? ['tfjs-node'] : []),
];

export const ENGINE_SETTINGS = loadConfig([]).engines;
