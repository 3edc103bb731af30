// Which state of a job may follow which: all of it, in one table.
import { DomainError } from '../errors.ts';
import type { JobState } from '../storage/jobs.ts';

const NEXT: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['running', 'paused', 'cancelled', 'failed'],
  // Back to the queue: the server stopped, or the worker was lost, and the job resumes from its newest checkpoint.
  running: ['succeeded', 'failed', 'pausing', 'cancelling', 'queued'],
  // A job may reach its end, or fail, before it comes by.
  pausing: ['paused', 'succeeded', 'failed', 'cancelling'],
  paused: ['queued', 'cancelled'],
  cancelling: ['cancelled', 'failed', 'succeeded'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

export const JOB_STATES = Object.keys(NEXT) as readonly JobState[];

/** Whether a job in this state never changes again. */
export function isTerminal(state: JobState): boolean {
  return NEXT[state].length === 0;
}

/** Whether a job in this state has a worker: it holds a slot, and a restart of the server interrupts it. */
export function isAtWork(state: JobState): boolean {
  return state === 'running' || state === 'pausing' || state === 'cancelling';
}

/** Throws `invalid_state_transition` where `to` may not follow `from`. */
export function assertTransition(id: string, from: JobState, to: JobState): void {
  if (NEXT[from].includes(to)) return;
  const why = isTerminal(from)
    ? 'a job that has ended stays as it is'
    : `from there it can become: ${NEXT[from].join(', ')}`;
  throw new DomainError('invalid_state_transition', `Job ${id} is ${from} and cannot become ${to}; ${why}.`);
}
