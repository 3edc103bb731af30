// Which state of a job may follow which: all of it, in one table.
import { DomainError } from '../errors.ts';
import type { JobState } from '../storage/jobs.ts';

const NEXT: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['running', 'cancelled', 'failed'],
  // Back to the queue: the server stopped, or the worker was lost, and the job resumes from its newest checkpoint.
  running: ['succeeded', 'failed', 'cancelling', 'queued'],
  cancelling: ['cancelled', 'failed', 'succeeded'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** Whether a job in this state never changes again. */
export function isTerminal(state: JobState): boolean {
  return NEXT[state].length === 0;
}

/** Throws `invalid_state_transition` where `to` may not follow `from`. */
export function assertTransition(id: string, from: JobState, to: JobState): void {
  if (NEXT[from].includes(to)) return;
  const why = isTerminal(from)
    ? 'a job that has ended stays as it is'
    : `from there it can become: ${NEXT[from].join(', ')}`;
  throw new DomainError('invalid_state_transition', `Job ${id} is ${from} and cannot become ${to}; ${why}.`);
}
