// The engines as the environment says: the compiler of GYMSERVE_CC, programs in GYMSERVE_CACHE_DIR.
import { loadConfig } from '../../src/config.ts';

export const ENGINE_SETTINGS = loadConfig([]).engines;
