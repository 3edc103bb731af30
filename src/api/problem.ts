// What an error looks like in HTTP: RFC 9457 problem details. The one place where codes become statuses.
import { DomainError, type ErrorCode } from '../errors.ts';

export const STATUS_OF = {
  invalid_request: 400,
  unauthorized: 401,
  insufficient_scope: 403,
  forbidden_origin: 403,
  forbidden_host: 403,
  upgrade_required: 426,
  not_found: 404,
  env_spec_not_found: 404,
  environment_not_found: 404,
  algorithm_not_found: 404,
  agent_not_found: 404,
  job_not_found: 404,
  checkpoint_not_found: 404,
  replay_not_found: 404,
  backup_not_found: 404,
  environment_gone: 410,
  method_not_allowed: 405,
  not_acceptable: 406,
  unsupported_media_type: 415,
  payload_too_large: 413,
  range_not_satisfiable: 416,
  reset_required: 409,
  sequence_mismatch: 409,
  invalid_state_transition: 409,
  agent_training: 409,
  checkpoint_in_use: 409,
  transitions_pending: 409,
  backup_running: 409,
  idempotency_key_in_flight: 409,
  idempotency_key_reused: 422,
  action_out_of_space: 422,
  observation_out_of_space: 422,
  invalid_transitions: 422,
  transitions_unsupported: 422,
  too_few_transitions: 422,
  no_environment: 422,
  invalid_kwargs: 422,
  invalid_wrapper: 422,
  invalid_hyperparameter: 422,
  unsupported_space: 422,
  engine_not_available: 422,
  engine_mismatch: 422,
  memory_limit: 422,
  checkpoint_incompatible: 422,
  checkpoint_corrupt: 422,
  non_finite: 422,
  diverged: 422,
  untraceable: 500,
  too_many_requests: 429,
  capacity_reached: 503,
  not_ready: 503,
  data_dir_in_use: 500,
  disk_full: 507,
  worker_lost: 410,
  step_timeout: 504,
  crash_loop: 500,
  backup_failed: 500,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

/** One wrong place in a request; `pointer` leads into `{path, query, headers, body}`. */
export interface ProblemPlace {
  readonly pointer: string;
  readonly detail: string;
}

/** A request that is not what the contract says. */
export class InvalidRequest extends DomainError {
  readonly places: readonly ProblemPlace[];

  constructor(detail: string, places: readonly ProblemPlace[] = []) {
    super('invalid_request', detail);
    this.places = places;
  }
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly instance: string;
  readonly request_id: string;
  readonly errors?: readonly ProblemPlace[];
}

export interface Occurrence {
  readonly requestId: string;
  /** As the client sent it; the query is left out, since it may hold what is nobody else's business. */
  readonly url: string;
  /** As the client sent it. */
  readonly contentType?: string | undefined;
  /** Of the operation. */
  readonly bodyLimitBytes?: number;
}

/** What the client gets to see of `error`. What nobody foresaw stays in the log. */
export function problemOf(error: unknown, occurrence: Occurrence): Problem {
  const { requestId, url } = occurrence;
  const known = knownError(error, occurrence);
  const code = known?.code ?? 'internal';
  const places = known instanceof InvalidRequest && known.places.length > 0 ? { errors: known.places } : {};
  return {
    type: `urn:gymserve:error:${code}`,
    title: titleOf(code),
    status: STATUS_OF[code],
    code,
    detail:
      known === null || code === 'internal'
        ? `The server made a mistake and logged it under ${requestId}; quote that when you report it.`
        : known.message,
    instance: url.split('?', 1)[0] ?? '/',
    request_id: requestId,
    ...places,
  };
}

/** For a path that nobody serves. */
export function nothingAt(method: string, url: string): DomainError {
  const [path = ''] = url.split('?', 1);
  const slash = path.length > 1 && path.endsWith('/') ? 'leave the slash at its end out, or ' : '';
  return new DomainError(
    'not_found',
    `There is nothing at ${method} ${path}; ${slash}see GET /openapi.json for what there is.`,
  );
}

/** Headers that belong to a status. */
export function problemHeaders(status: number): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer realm="gymserve"' };
  if (status === 426) return { upgrade: 'websocket' };
  if (status === 429 || status === 503) return { 'retry-after': '1' };
  return {};
}

const LONGEST_QUOTE = 60;

/** What a client sent, short enough to be read. */
export function quote(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text);
}

function titleOf(code: ErrorCode): string {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function knownError(error: unknown, occurrence: Occurrence): DomainError | null {
  if (error instanceof DomainError) return error;
  if (!(error instanceof Error)) return null;
  return 'code' in error ? (FOREIGN_ERRORS.get(String(error.code))?.(occurrence) ?? null) : refusedFile(error);
}

/** What the files of the docs are refused with, which has no code: paths that lead out of them, or are no paths. */
function refusedFile({ statusCode }: Error & { readonly statusCode?: unknown }): DomainError | null {
  if (statusCode !== 400 && statusCode !== 403 && statusCode !== 404) return null;
  return new DomainError('not_found', 'There is nothing at this path; GET /openapi.json says what there is.');
}

/** What Fastify raises before a handler runs, and the database on a full disk, in our words. */
const FOREIGN_ERRORS: ReadonlyMap<string, (occurrence: Occurrence) => DomainError> = new Map<
  string,
  (occurrence: Occurrence) => DomainError
>([
  [
    'FST_ERR_CTP_INVALID_MEDIA_TYPE',
    ({ contentType }) =>
      new DomainError(
        'unsupported_media_type',
        `Content-Type is ${contentType === undefined ? 'absent' : quote(contentType)}; send the body as application/json.`,
      ),
  ],
  [
    'FST_ERR_CTP_BODY_TOO_LARGE',
    ({ bodyLimitBytes }) =>
      new DomainError(
        'payload_too_large',
        `The body is larger than ${bodyLimitBytes} bytes, the most this server takes; send less at a time.`,
      ),
  ],
  [
    'FST_ERR_CTP_INVALID_CONTENT_LENGTH',
    () => new InvalidRequest('The body is not as long as Content-Length says; send all of it.'),
  ],
  [
    'FST_ERR_BAD_URL',
    () => new InvalidRequest('The path is not percent-encoded correctly; encode each part of it as UTF-8.'),
  ],
  [
    'FST_ERR_MAX_PARAM_LENGTH',
    () => new DomainError('not_found', 'There is nothing at this path: one of its parts is longer than any id.'),
  ],
  [
    'FST_ERR_ROUTE_MISSING_CONTENT_TYPE',
    () => new InvalidRequest('A request of this method needs a Content-Type; GET /openapi.json lists what there is.'),
  ],
  [
    'SQLITE_FULL',
    () =>
      new DomainError(
        'disk_full',
        'No space is left on the disk of the data directory, so nothing was changed; free space or move --data-dir, then try again.',
      ),
  ],
]);
