// A real disk that is really full: a small tmpfs, which only root may mount.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly folder: string;
  /** Leaves `free` bytes, rounded down to pages. */
  fill(free: number): void;
  /** Takes back what `fill` took. */
  clear(): void;
  unmount(): void;
}

/** Null where this user or this system cannot mount one. */
export function mountSmallDisk(bytes: number): SmallDisk | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), 'gymserve-disk-'));
  const { status } = spawnSync('/usr/bin/env', [
    'mount',
    '-t',
    'tmpfs',
    '-o',
    `size=${bytes}`,
    'gymserve-test',
    folder,
  ]);
  if (status !== 0) {
    rmSync(folder, { recursive: true });
    return null;
  }
  const filler = join(folder, 'filler');
  return {
    folder,
    fill(free) {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - free)));
    },
    clear: () => rmSync(filler),
    unmount() {
      spawnSync('/usr/bin/env', ['umount', '-l', folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
