// Runs a compiled library once, with one thread and with two, in a process of its own: `node self-test.js LIBRARY`. What is wrong is
// one line on standard error.
import { openLibrary } from './library.ts';

function check(path: string): void {
  const library = openLibrary(path);
  const digests = [1, 2].map((threads) => {
    const buffer = new ArrayBuffer(library.arenaBytes);
    const [handle, offset] = library.open(buffer, threads);
    const arena = new Float32Array(buffer, offset, (library.arenaBytes - 64) / 4);
    for (const place of arena.keys()) arena[place] = 0.5 + 0.4 * Math.sin(place);
    library.prepare(handle);
    library.run(handle);
    library.close(handle);
    return Buffer.from(buffer, offset, arena.byteLength).toString('base64');
  });
  if (digests[0] !== digests[1]) throw new Error('one thread and two threads do not give the same bytes');
}

try {
  check(process.argv[2] as string);
} catch (thrown) {
  // Not left to Node, whose last lines are of its stack.
  process.stderr.write(`${(thrown as Error).message}\n`);
  process.exitCode = 1;
}
