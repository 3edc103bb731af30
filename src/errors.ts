// Every error a caller can provoke, by code. What it becomes in HTTP is decided in src/api/problem.ts.

/** Codes a client can rely on. The HTTP status of each stands in `src/api/problem.ts`. */
export const ERROR_CODES = [
  'invalid_request',
  'unauthorized',
  'insufficient_scope',
  'forbidden_origin',
  'forbidden_host',
  'upgrade_required',
  'not_found',
  'env_spec_not_found',
  'environment_not_found',
  'algorithm_not_found',
  'agent_not_found',
  'job_not_found',
  'checkpoint_not_found',
  'replay_not_found',
  'backup_not_found',
  'environment_gone',
  'method_not_allowed',
  'not_acceptable',
  'unsupported_media_type',
  'payload_too_large',
  'range_not_satisfiable',
  'reset_required',
  'sequence_mismatch',
  'invalid_state_transition',
  'agent_training',
  'checkpoint_in_use',
  'transitions_pending',
  'backup_running',
  'idempotency_key_in_flight',
  'idempotency_key_reused',
  'action_out_of_space',
  'observation_out_of_space',
  'invalid_transitions',
  'transitions_unsupported',
  'too_few_transitions',
  'no_environment',
  'invalid_kwargs',
  'invalid_wrapper',
  'invalid_hyperparameter',
  'unsupported_space',
  'engine_not_available',
  'engine_mismatch',
  'memory_limit',
  'checkpoint_incompatible',
  'checkpoint_corrupt',
  'non_finite',
  'diverged',
  'untraceable',
  'too_many_requests',
  'capacity_reached',
  'not_ready',
  'data_dir_in_use',
  'disk_full',
  'worker_lost',
  'step_timeout',
  'crash_loop',
  'backup_failed',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error with a stable code and a detail that says what, which value, and what to do about it. */
export class DomainError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'DomainError';
    this.code = code;
  }

  /** Rebuilds an error that crossed a thread as `{code, message}`. */
  static from(wire: ErrorWire): DomainError {
    return new DomainError(wire.code, wire.message);
  }
}

/** What of an error crosses a thread. */
export interface ErrorWire {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The wire form of anything thrown; what is not a `DomainError` becomes `internal`. */
export function toWire(thrown: unknown): ErrorWire {
  if (thrown instanceof DomainError) return { code: thrown.code, message: thrown.message };
  const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return { code: 'internal', message };
}
