// Handlers as the contract types them: a missing operation, a wrong field or an undocumented status does not compile.
import type { Readable } from 'node:stream';
import type { components, operations } from './contract.gen.ts';

export type OperationId = keyof operations;
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

type Parameters<Id extends OperationId, Where extends 'path' | 'query' | 'header'> = NonNullable<
  operations[Id]['parameters'][Where]
>;

type RequestContent<Id extends OperationId, T extends string> =
  NonNullable<operations[Id]['requestBody']> extends { content: { [K in T]: infer B } } ? B : never;

/** An optional body is `{}` by the time a handler sees it; a file is its bytes. */
type Body<Id extends OperationId> = [RequestContent<Id, 'application/octet-stream'>] extends [never]
  ? RequestContent<Id, 'application/json'>
  : Uint8Array;

export interface Call<Id extends OperationId> {
  readonly params: Parameters<Id, 'path'>;
  readonly query: Parameters<Id, 'query'>;
  readonly headers: Parameters<Id, 'header'>;
  readonly body: Body<Id>;
  /** Aborts when the client is gone or the server closes. */
  readonly signal: AbortSignal;
  /** The media type of the operation that Accept prefers. */
  readonly accepts: string | null;
  /** Under an Idempotency-Key, to be called in the transaction that creates, with the answer that a repeated request will get too. */
  readonly keep: (answer: Reply<Id>) => void;
  /** As `accepts`, among the media types that this very call could be answered with. */
  readonly prefers: <T extends string>(offered: readonly T[]) => T | null;
}

type Success = 200 | 201 | 202 | 204 | 206 | 304;

/** JSON where the contract has JSON; any other media type is text or bytes, at once or as a stream. */
type ReplyContent<C> = C extends object
  ? {
      [T in keyof C]: {
        readonly type: T;
        readonly body: T extends 'application/json' ? C[T] : Readable | Uint8Array | string;
      };
    }[keyof C]
  : { readonly type?: never; readonly body?: never };

type NamedHeaders<H> = { [K in keyof H as string extends K ? never : K]: H[K] };
/** Those of the contract are required; others concern the transport and are free. */
type Headers<H> = keyof NamedHeaders<H> extends never
  ? { readonly headers?: Readonly<Record<string, string>> }
  : { readonly headers: Readonly<NamedHeaders<H>> };

type ReplyOf<R> = R extends { headers: infer H }
  ? Headers<H> & ReplyContent<R extends { content: infer C } ? C : undefined>
  : never;

export type Reply<Id extends OperationId> = {
  [S in keyof operations[Id]['responses'] & Success]: { readonly status: S } & ReplyOf<operations[Id]['responses'][S]>;
}[keyof operations[Id]['responses'] & Success];

export type Handler<Id extends OperationId> = (call: Call<Id>) => Promise<Reply<Id>>;
/** A WebSocket is no call with one answer; see websocket/. */
export type Handlers = { readonly [Id in Exclude<OperationId, 'streamEnvironment'>]: Handler<Id> };

/** A reply of JSON, the common case. */
export function json<S extends Success, B>(status: S, body: B) {
  return { status, type: 'application/json' as const, body };
}

/** 201 or 202 with where the new resource is. */
export function created<S extends 201 | 202, B>(status: S, location: string, body: B) {
  return { ...json(status, body), headers: { Location: location } };
}

export const GONE = { status: 204 } as const;
