// Where a result comes from: the commit and the machine.
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly os: string;
}

export interface Commit {
  /** Null outside of a git checkout. */
  readonly commit: string | null;
  /** Whether files other than results differ from the commit. */
  readonly dirty: boolean | null;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
  };
}

export function thisCommit(): Commit {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const commit = git('rev-parse', 'HEAD');
    // Results are written while a study runs; they are not what it runs on.
    return { commit, dirty: git('status', '--porcelain', '--', '.', ':(exclude)bench/results') !== '' };
  } catch {
    return { commit: null, dirty: null };
  }
}
