// API keys as the keys file holds them: a SHA-256 digest (hex) a line and the scopes of its key. The keys themselves are nowhere.
import { createHash, randomBytes } from 'node:crypto';

/** What a key may do: look, play in environments, train agents. `admin` may do all of it. */
export const SCOPES = ['read', 'env', 'train', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  /** SHA-256 in hex. */
  readonly digest: string;
  readonly scopes: readonly Scope[];
}

/** The keys that are let in now, and who is told when they change. */
export class KeyRing {
  #keys: readonly ApiKey[];
  readonly #listeners: (() => void)[] = [];

  constructor(keys: readonly ApiKey[]) {
    this.#keys = keys;
  }

  get keys(): readonly ApiKey[] {
    return this.#keys;
  }

  replace(keys: readonly ApiKey[]): void {
    this.#keys = keys;
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Whether a key of this digest is let in to what needs `scope`; null = to what any key may. */
  lets(digest: string, scope: Scope | null): boolean {
    return this.#keys.some((key) => key.digest === digest && (scope === null || mayUse(key, scope)));
  }
}

export function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}

export function mayUse({ scopes }: ApiKey, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes('admin');
}

/**
 * One line: a digest, perhaps its scopes with commas between, perhaps a comment after `#`. Without scopes a key may do everything.
 * Null where the line names no key. Throws an `Error` that does not repeat what might be a key.
 */
export function parseKeyLine(line: string): ApiKey | null {
  const [content = ''] = line.split('#', 1);
  const [digest = '', scopes = 'admin', ...rest] = content.trim().split(/\s+/);
  if (digest === '') return null;
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw new Error(
      `is ${digest.length} characters and not a SHA-256 digest in hex; make one with: printf %s "$KEY" | sha256sum`,
    );
  }
  const wrong = [...scopes.split(',').filter((scope) => !isScope(scope)), ...rest];
  if (wrong.length > 0) {
    throw new Error(
      `has something after its digest that is no scope; give scopes of ${SCOPES.join(', ')}, with commas and no spaces between.`,
    );
  }
  return { digest, scopes: scopes.split(',').filter(isScope) };
}

export function keyLine({ digest, scopes }: ApiKey, note = ''): string {
  return `${digest} ${scopes.join(',')}${note === '' ? '' : ` # ${note}`}\n`;
}

/** A new key, and what to keep of it. */
export function makeKey(scopes: readonly Scope[]): { key: string; kept: ApiKey } {
  const key = `gsk_${randomBytes(24).toString('base64url')}`;
  return { key, kept: { digest: digestOf(key), scopes } };
}

export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
