// How long a job ran, from its events: its own times would count the nights that the machine was off.
import type { JobEvent } from './resources.ts';

/** Seconds between events while the job ran; from an interruption to the next start does not count. */
export function runningSeconds(events: readonly JobEvent[]): number {
  let running = false;
  let last = 0;
  let total = 0;
  for (const { type, time, data } of events) {
    const now = Date.parse(time);
    const back = type === 'job.state' && (data['state'] === 'queued' || data['state'] === 'running');
    // A server that was killed stored no end: the last that it stored is the last that is known.
    if (running && !back) total += now - last;
    if (type === 'job.state') running = data['state'] === 'running' || data['state'] === 'cancelling';
    last = now;
  }
  return total / 1000;
}
