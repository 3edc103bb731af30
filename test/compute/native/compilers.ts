// Compilers that do one thing wrong: scripts that stand before the real one, for tests of what is said and left behind then.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EngineInfo, Engines } from '../../../src/compute/engines.ts';
import { DomainError } from '../../../src/errors.ts';
import { machineCompiler } from './machine.ts';

const real = (): string => `"${machineCompiler().command}"`;

/** What a script does when it is asked to compile (`$source` to `$output`); else it passes the question on. */
const COMPILES = {
  right: () => `exec ${real()} "$@"`,
  'with an error': () => 'echo "no.c:1: error: the moon is in the wrong place" >&2; exit 1',
  'for ever': () => 'exec sleep 600',
  'to nothing': () => 'echo "all is well"; exit 0',
  'to garbage': () => 'echo "this is no library" > "$output"; exit 0',
  'to what aborts': () =>
    `printf '%s\\n' '#include <stdlib.h>' '__attribute__((constructor)) static void end(void) { abort(); }' >> "$source"; exec ${real()} "$@"`,
  // A library that loads and then computes another thing on two threads than on one.
  'to what differs': () =>
    `sed 's/^static void work(void \\*context, int thread) {$/&\\n  if (thread == 1) ((struct program *)context)->arena[0] += 1;/' "$source" > "$source.other"; mv "$source.other" "$source"; exec ${real()} "$@"`,
} as const;

export type Manner = keyof typeof COMPILES;

export class FakeCompiler {
  readonly command: string;
  readonly #log: string;

  /** In `folder`, under `name`. */
  constructor(folder: string, manner: Manner, name = 'fake-cc') {
    this.command = join(folder, name);
    this.#log = `${join(folder, 'calls')}.log`;
    const script = [
      '#!/bin/sh',
      `printf '%s\\n' "$*" >> "${this.#log}"`,
      'source= output=',
      'for argument; do',
      '  case "$argument" in *.c) source=$argument;; esac',
      '  if [ "$previous" = -o ]; then output=$argument; fi',
      '  previous=$argument',
      'done',
      `if [ -z "$output" ]; then exec ${real()} "$@"; fi`,
      COMPILES[manner](),
      '',
    ];
    writeFileSync(this.command, script.join('\n'));
    chmodSync(this.command, 0o755);
  }

  /** How often it was asked to compile. */
  get compilations(): number {
    if (!existsSync(this.#log)) return 0;
    return readFileSync(this.#log, 'utf8')
      .split('\n')
      .filter((line) => line.includes(' -o ')).length;
  }
}

/** What the registry says of the native engine, what asking for it throws, and what `auto` is instead. */
export async function verdict(compiler: string, cacheDirectory: string) {
  const engines = new Engines({ compiler, cacheDirectory, dumpDirectory: null });
  const info = (await engines.list()).find(({ name }) => name === 'native') as EngineInfo;
  const thrown = await engines.find('native').then(
    () => undefined,
    (error: unknown) => error as DomainError,
  );
  const code = thrown instanceof DomainError ? thrown.code : undefined;
  return { ...info, code, message: thrown?.message ?? '', auto: (await engines.find('auto')).name };
}
