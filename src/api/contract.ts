// openapi.yaml as data. Knows the document's shape and nothing of Fastify.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { isScope, type Scope } from '../api-keys.ts';

/** The key under which validators know the document: `openapi#/components/schemas/Tensor`. */
export const DOCUMENT_ID = 'openapi';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
type Method = (typeof METHODS)[number];

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  /** `$ref` to its schema in the document. */
  readonly schema: { readonly $ref: string };
}

export interface Operation {
  readonly operationId: string;
  readonly method: Uppercase<Method>;
  /** As Fastify writes it: `/v1/agents/:agent_id`. */
  readonly url: string;
  readonly open: boolean;
  /** What a key needs to call it; null where it is open. */
  readonly scope: Scope | null;
  readonly parameters: readonly Parameter[];
  /** `$ref` to the schema of the JSON body; null where the operation takes none. */
  readonly body: { readonly $ref: string } | null;
  /** As `body`, of the MessagePack body. */
  readonly packedBody: { readonly $ref: string } | null;
  /** Whether it takes a file: bytes, as application/octet-stream. */
  readonly takesFile: boolean;
  /** Statuses that the document names, with the media types of each and a `$ref` to their schemas. */
  readonly responses: ReadonlyMap<number, ReadonlyMap<string, { readonly $ref: string }>>;
  /** Media types of the successful answers. */
  readonly produces: readonly string[];
}

export interface Contract {
  readonly text: string;
  readonly document: Readonly<Record<string, unknown>>;
  readonly operations: readonly Operation[];
}

type Json = Record<string, unknown>;

/** Reads `openapi.yaml` from the package that this module belongs to, compiled or not. */
export function loadContract(): Contract {
  const text = readFileSync(contractPath(), 'utf8');
  const document = load(text) as Json;
  return { text, document, operations: operationsOf(document) };
}

function contractPath(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, 'openapi.yaml');
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) throw new Error(`openapi.yaml is in no folder above ${import.meta.dirname}.`);
  }
}

function operationsOf(document: Json): Operation[] {
  const at = (pointer: string): Json => lookUp(document, pointer);
  return Object.keys(document.paths as Json).flatMap((path) => {
    const item = follow(at, `/paths/${escapePointer(path)}`);
    const present = METHODS.filter((method) => method in at(item));
    return present.map((method) => operationOf(at, path, item, method));
  });
}

function operationOf(at: (pointer: string) => Json, path: string, item: string, method: Method): Operation {
  const pointer = `${item}/${method}`;
  const source = at(pointer);
  const responses = new Map(
    Object.keys(source.responses as Json).map((status) => [
      Number(status),
      contentOf(at, follow(at, `${pointer}/responses/${status}`)),
    ]),
  );
  const body = 'requestBody' in source ? contentOf(at, follow(at, `${pointer}/requestBody`)) : new Map();
  return {
    operationId: String(source.operationId),
    method: method.toUpperCase() as Uppercase<Method>,
    url: path.replace(/\{(\w+)\}/g, ':$1'),
    open: isOpen(source),
    scope: scopeOf(source),
    parameters: [...parametersOf(at, item), ...parametersOf(at, pointer)],
    body: body.get('application/json') ?? null,
    packedBody: body.get('application/msgpack') ?? null,
    takesFile: body.has('application/octet-stream'),
    responses,
    produces: [...new Set([...responses].flatMap(([status, content]) => (status < 300 ? [...content.keys()] : [])))],
  };
}

function isOpen({ security }: Json): boolean {
  return Array.isArray(security) && security.length === 0;
}

/** An operation without one would be open to every key, by mistake. */
function scopeOf(source: Json): Scope | null {
  if (isOpen(source)) return null;
  const scope = String(source['x-scope']);
  if (!isScope(scope))
    throw new Error(`openapi.yaml gives ${source.operationId} the x-scope "${scope}", which is none.`);
  return scope;
}

function parametersOf(at: (pointer: string) => Json, owner: string): Parameter[] {
  const list = at(owner).parameters;
  if (!Array.isArray(list)) return [];
  return list.map((_, i) => {
    const pointer = follow(at, `${owner}/parameters/${i}`);
    return { ...(at(pointer) as unknown as Parameter), schema: refTo(`${pointer}/schema`) };
  });
}

function contentOf(at: (pointer: string) => Json, owner: string): Map<string, { $ref: string }> {
  const types = Object.keys((at(owner).content ?? {}) as Json);
  return new Map(types.map((type) => [type, refTo(`${owner}/content/${escapePointer(type)}/schema`)]));
}

/** Where `pointer` leads once references are followed. */
function follow(at: (pointer: string) => Json, pointer: string): string {
  const target = at(pointer).$ref;
  return typeof target === 'string' ? follow(at, target.slice(1)) : pointer;
}

function refTo(pointer: string): { $ref: string } {
  // A fragment is a URI part: braces of path templates have to be escaped.
  return { $ref: `${DOCUMENT_ID}#${pointer.split('/').map(encodeURIComponent).join('/')}` };
}

function lookUp(document: Json, pointer: string): Json {
  let place: unknown = document;
  for (const part of pointer.split('/').slice(1)) {
    place = (place as Json | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  if (typeof place !== 'object' || place === null) throw new Error(`openapi.yaml has nothing at ${pointer}.`);
  return place as Json;
}

function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}
