// Normals in bulk, by WebAssembly: 64-bit multiplication makes a draw several times faster than JavaScript can. One instance a thread.
import { NORMALS_WASM } from './normals.gen.ts';
import { NORMAL_ACCEPT, NORMAL_WIDTH } from './ziggurat-normal.ts';

/** Places in the module's memory; normals.wat says what is where. */
const WIDTHS_AT = 64;
const ACCEPTS_AT = 2112;
const NORMALS_AT = 8192;
const CHUNK = (65_536 - NORMALS_AT) / 8;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  fill(count: number): number;
}

/** TypeScript knows it only with the browser's types. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

let instance:
  | { readonly fill: Exports['fill']; readonly limbs: Uint32Array; readonly normals: Float64Array }
  | undefined;

function start(): NonNullable<typeof instance> {
  const module = new WebAssembly.Module(Buffer.from(NORMALS_WASM, 'base64'));
  const { memory, fill } = new WebAssembly.Instance(module).exports as Exports;
  new Float64Array(memory.buffer, WIDTHS_AT, 256).set(NORMAL_WIDTH);
  new Float64Array(memory.buffer, ACCEPTS_AT, 256).set(NORMAL_ACCEPT);
  return {
    fill,
    limbs: new Uint32Array(memory.buffer, 0, 8),
    normals: new Float64Array(memory.buffer, NORMALS_AT, CHUNK),
  };
}

/**
 * Writes normals to `target` from `from` on, and moves the generator of `limbs` (state and increment, least significant first) on;
 * returns where it stopped: at the end, or before a draw that takes more than the common path.
 */
export function fillNormals(limbs: Uint32Array, target: Float32Array | Float64Array, from: number): number {
  instance ??= start();
  instance.limbs.set(limbs);
  const count = instance.fill(Math.min(CHUNK, target.length - from));
  for (let i = 0; i < count; i += 1) target[from + i] = instance.normals[i] as number;
  limbs.set(instance.limbs);
  return from + count;
}
