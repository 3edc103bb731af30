// Whether the program was built anew while a study runs: its next job would run other code than the one before.
import { statSync } from 'node:fs';

const PROGRAM = new URL('../../src/main.js', import.meta.url);

/** A function that throws once the build is another than now. */
export function watchBuild(): () => void {
  const before = builtAt();
  return () => {
    if (builtAt() !== before)
      throw new Error(
        'The program was rebuilt while the study ran. Run the same command again, and it goes on; give a long study a clone of the repository of its own.',
      );
  };
}

function builtAt(): number {
  return statSync(PROGRAM, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
