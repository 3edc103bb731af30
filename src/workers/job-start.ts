// Starts the workers of jobs where the operator wants them.
import { IN_OWN_PROCESS } from '../compute/engine.ts';
import type { JobHost, JobHostHandlers } from './job-host.ts';
import { JobProcess } from './job-process.ts';
import { JobThread } from './job-thread.ts';
import type { JobAssignment } from './protocol.ts';

/** Where the workers of jobs run. A process keeps to itself what a thread does not: a native crash, or code that never returns. */
export type JobIsolation = 'thread' | 'process';

export function workerStarter(isolation: JobIsolation) {
  return (assignment: JobAssignment, handlers: JobHostHandlers): JobHost => {
    const isApart = isolation === 'process' || IN_OWN_PROCESS.has(assignment.engine);
    return new (isApart ? JobProcess : JobThread)(assignment, handlers);
  };
}
