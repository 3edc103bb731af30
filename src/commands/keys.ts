// `gymserve keys create|list|revoke`: the keys file by hand. A running server reads it again when it changes.
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isScope, keyLine, makeKey, parseKeyLine, SCOPES, type Scope } from '../api-keys.ts';
import { ConfigError, keysFileOf, makeKeysFolder } from '../config.ts';

const USAGE = `Usage: gymserve keys create [--scopes read,env,train] [--note TEXT]
       gymserve keys list
       gymserve keys revoke DIGEST   its first 8 characters or more

Scopes: read (every GET), env (environments, and acting in them), train (agents, jobs, checkpoints), admin (everything; the default).
The file is --api-keys-file, or api-keys in --data-dir. A server reads it when it starts, and again when it changes.
`;

/** The shortest beginning of a digest that names it. */
const SHORTEST_DIGEST = 8;

export function keysCommand(argv: readonly string[]): void {
  const { values, positionals } = parsed(argv);
  const file = keysFileOf({ 'api-keys-file': values['api-keys-file'], 'data-dir': values['data-dir'] });
  const [action, digest = '', ...more] = positionals;
  if (values.help === true) say(USAGE);
  else if (action === 'create' && positionals.length === 1) create(file, scopesOf(values.scopes), values.note ?? '');
  else if (action === 'list' && positionals.length === 1) list(file);
  else if (action === 'revoke' && digest.length >= SHORTEST_DIGEST && more.length === 0) revoke(file, digest);
  else throw new ConfigError(USAGE);
}

function parsed(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = {
    scopes: text,
    note: text,
    'api-keys-file': text,
    'data-dir': text,
    help: { type: 'boolean' },
  } as const;
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: true });
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

function scopesOf(text = 'admin'): Scope[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !isScope(name));
  if (wrong === undefined) return names.filter(isScope);
  throw new ConfigError(`--scopes names "${wrong}"; give some of ${SCOPES.join(', ')}, with commas between.`);
}

function create(file: string, scopes: readonly Scope[], note: string): void {
  if (/[\r\n]/.test(note)) throw new ConfigError('--note has more than one line; give one.');
  const { key, kept } = makeKey(scopes);
  makeKeysFolder(file);
  const unfinished = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, 'utf8'));
  appendFileSync(file, `${unfinished ? '\n' : ''}${keyLine(kept, note)}`, { mode: 0o600 });
  say(`${key}\n`);
  process.stderr.write(
    `That key is shown only now; its digest stands in ${file}. A server that was started with --api-keys-file ${file} lets it in at once.\n`,
  );
}

function list(file: string): void {
  for (const line of linesOf(file)) {
    const key = keyIn(line);
    const note = line.includes('#') ? line.slice(line.indexOf('#') + 1).trim() : '';
    if (key !== null) say(`${key.digest.slice(0, 12)}  ${key.scopes.join(',').padEnd(16)} ${note}\n`);
  }
}

function revoke(file: string, digest: string): void {
  const lines = linesOf(file);
  const left = lines.filter((line) => !(keyIn(line)?.digest.startsWith(digest) ?? false));
  if (lines.length - left.length !== 1) {
    throw new ConfigError(
      `${lines.length - left.length} keys in ${file} begin with ${digest}; see gymserve keys list, and give enough of one.`,
    );
  }
  // Never half a file, which would lock everybody out.
  writeFileSync(`${file}.new`, left.join('\n'), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  say(`Revoked ${digest}; a running server refuses it within seconds.\n`);
}

function linesOf(file: string): string[] {
  if (existsSync(file)) return readFileSync(file, 'utf8').split('\n');
  throw new ConfigError(`The keys file ${file} does not exist; make a key with: gymserve keys create`);
}

/** Null for what names no key, lines that are wrong included: they are the server's to refuse. */
function keyIn(line: string) {
  try {
    return parseKeyLine(line);
  } catch {
    return null;
  }
}

function say(text: string): void {
  process.stdout.write(text);
}
