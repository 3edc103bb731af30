// The flags of a benchmark or a script: `--help` lists them, and so does a wrong one.
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Flags = NonNullable<ParseArgsConfig['options']>;
type Values<F extends Flags> = ReturnType<typeof parseArgs<{ options: F }>>['values'];

/** What `argv` gives. Ends the process with the list: with 0 for `--help`, with 1 for what is none of `flags`. */
export function readFlags<const F extends Flags>(flags: F, argv: readonly string[] = process.argv.slice(2)): Values<F> {
  if (argv.includes('--help')) {
    process.stdout.write(listOf(flags));
    process.exit(0);
  }
  try {
    return parseArgs({ args: [...argv], options: flags }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${listOf(flags)}`);
    process.exit(1);
  }
}

function listOf(flags: Flags): string {
  const lines = Object.entries(flags).map(([name, { type, default: given }]) =>
    type === 'boolean' ? `  --${name}` : `  --${name} VALUE${given === undefined ? '' : ` (${String(given)})`}`,
  );
  return `Flags:\n${lines.join('\n')}\n`;
}
