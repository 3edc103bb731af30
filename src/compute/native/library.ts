// A compiled library in this thread: what addon.h exports.
import { constants } from 'node:os';

export interface Library {
  /** Bytes of an arena, with room to align it. */
  readonly arenaBytes: number;
  /** A program in `buffer`, with `threads` threads; and the byte at which its arena begins. */
  open(buffer: ArrayBuffer, threads: number): readonly [Handle, number];
  run(handle: Handle): void;
  prepare(handle: Handle): void;
  close(handle: Handle): void;
}

/** Opaque: what `open` returned. */
export type Handle = { readonly program: unique symbol };

const opened = new Map<string, Library>();

/** The library at `path`; the same object when asked again. Throws where the system cannot load it. */
export function openLibrary(path: string): Library {
  const known = opened.get(path);
  if (known !== undefined) return known;
  const module = { exports: {} as Library };
  process.dlopen(module, path, constants.dlopen.RTLD_NOW);
  opened.set(path, module.exports);
  return module.exports;
}
