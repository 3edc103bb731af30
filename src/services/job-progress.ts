// How far a job is.
import type { JobProgress } from '../storage/jobs.ts';

export function newProgress(totalTimesteps: number): JobProgress {
  return {
    timesteps: 0,
    totalTimesteps,
    fraction: 0,
    episodes: 0,
    updates: 0,
    stepsPerSecond: 0,
    updatesPerSecond: 0,
    etaS: null,
  };
}

/** As the API shows it, in the job and in its events. */
export function progressFields(progress: JobProgress) {
  return {
    timesteps: progress.timesteps,
    total_timesteps: progress.totalTimesteps,
    fraction: progress.fraction,
    episodes: progress.episodes,
    updates: progress.updates,
    steps_per_second: progress.stepsPerSecond,
    updates_per_second: progress.updatesPerSecond,
    eta_s: progress.etaS,
  };
}
