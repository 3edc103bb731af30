#!/usr/bin/env node
// The command line: `gymserve serve` (what `npm start` runs: configuration in, a server out, a graceful end) and smaller commands.
import { backupCommand } from './commands/backup.ts';
import { keysCommand } from './commands/keys.ts';
import { type Config, ConfigError, loadConfig, SEE_HELP, USAGE } from './config.ts';
import { DomainError } from './errors.ts';
import { didYouMean } from './nearest.ts';
import { createServer, versionOfPackage } from './server.ts';

/** A drain that takes longer is cut off: whatever started the server may otherwise kill it harder. */
const CLOSE_WITHIN_MS = 30_000;

const COMMANDS = {
  serve,
  keys: async (argv) => keysCommand(argv),
  backup: (argv) => backupCommand(argv, versionOfPackage()),
  version: async (argv) => say('version', argv, `${versionOfPackage()}\n`),
  help: async (argv) => say('help', argv, USAGE),
} as const satisfies Record<string, (argv: readonly string[]) => Promise<void>>;

/** Of an address that is taken, forbidden, not this machine's, or that no name server knows. */
const UNUSABLE_ADDRESS: ReadonlySet<string> = new Set([
  'EADDRINUSE',
  'EACCES',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Without a command, `serve`. */
async function main(argv: readonly string[]): Promise<void> {
  const [first = ''] = argv;
  if (first === '--version' || first === '-v') return await COMMANDS.version(argv.slice(1));
  if (first === '' || first.startsWith('-')) return await serve(argv);
  const command = Object.entries(COMMANDS).find(([name]) => name === first)?.[1];
  if (command === undefined)
    throw new ConfigError(
      `There is no command "${first}"; there are: ${Object.keys(COMMANDS).join(', ')}.${didYouMean(first, Object.keys(COMMANDS))} ${SEE_HELP}`,
    );
  await command(argv.slice(1));
}

function say(command: string, [extra]: readonly string[], text: string): void {
  if (extra !== undefined)
    throw new ConfigError(`gymserve ${command} takes nothing more, and there is "${extra}"; leave it out.`);
  process.stdout.write(text);
}

async function serve(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(USAGE);
    return;
  }
  const config = loadConfig(argv);
  const server = await createServer({ ...config, logger: { level: config.logLevel } });
  const url = await server.listen(config).catch(async (error: NodeJS.ErrnoException) => {
    await server.close();
    throw UNUSABLE_ADDRESS.has(error.code ?? '')
      ? new ConfigError(
          `Cannot listen on ${config.host}:${config.port} (${error.code}); choose another with --host or --port.`,
        )
      : error;
  });
  announce(url, config);

  const stop = () => {
    setTimeout(() => {
      process.stderr.write(
        `The server did not close within ${CLOSE_WITHIN_MS / 1000} s and was cut off; its jobs resume from their last checkpoints.\n`,
      );
      process.exit(1);
    }, CLOSE_WITHIN_MS).unref();
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

function announce(url: string, { createdKey, dataDir }: Config): void {
  const lines = [
    ...(createdKey === null ? [] : [`API key (shown only now): ${createdKey}`]),
    `Gymserve  ${url}`,
    `docs      ${url}/docs`,
    `contract  ${url}/openapi.yaml`,
    `data      ${dataDir}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const expected = error instanceof ConfigError || error instanceof DomainError;
  process.stderr.write(`${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
