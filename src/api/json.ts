// What a client sends as JSON, read with limits that later recursion relies on.
import { depthOf } from '../json-depth.ts';
import { InvalidRequest } from './problem.ts';

/** Validators, storage and JSON.stringify recurse; a megabyte of brackets would overflow the stack. */
export const MAX_DEPTH = 64;

/** Throws `InvalidRequest` where `bytes` are no UTF-8: replacing what is wrong would change what was sent. */
export function textOf(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new InvalidRequest('The body is not valid UTF-8; encode it as UTF-8.');
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws `InvalidRequest`. Nothing is `{}`. */
export function parseBody(text: string): unknown {
  if (text.trim() === '') return {};
  if (depthOf(text) > MAX_DEPTH)
    throw new InvalidRequest(`The body is nested more than ${MAX_DEPTH} levels deep; flatten it.`);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new InvalidRequest(`The body is not valid JSON (${(error as SyntaxError).message}); correct it.`);
  }
  // An escape may hide a name, so any escape is worth the walk.
  const name = /\\u|"(?:__proto__|constructor)"/.test(text) ? forbiddenName(body) : null;
  if (name !== null) throw new UnusableBody(forbiddenField(name), body);
  return body;
}

/** One that could be read, and holds what must not go further; `body` tells whose it is, and is for nothing else. */
export class UnusableBody extends InvalidRequest {
  readonly body: unknown;

  constructor({ message, places }: InvalidRequest, body: unknown) {
    super(message, places);
    this.body = body;
  }
}

/** A name that could reach an object's prototype in code that copies fields by name. */
function forbiddenName(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__' || (!Array.isArray(value) && name === 'constructor')) return name;
    const below = forbiddenName(member);
    if (below !== null) return below;
  }
  return null;
}

export function forbiddenField(name: string): InvalidRequest {
  return new InvalidRequest(`The body has a field "${name}", which no object may have; remove it.`);
}
