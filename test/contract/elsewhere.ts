/** Codes that no test of `real-server.test.ts` produces, by the test file that does, since a server would have to be brought to it. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  // Another server has the data directory: this one never listens.
  data_dir_in_use: 'test/storage/database.test.ts',
  // A job resumes where the engine was built anew meanwhile.
  engine_mismatch: 'test/server/resume.test.ts',
  // Learning goes astray within seconds only with a learner made for it.
  non_finite: 'test/agent/sac-learner.test.ts',
  diverged: 'test/server/astray.test.ts',
  // Every network of the catalogue can be traced.
  untraceable: 'test/compute/trace.test.ts',
  // The worker of a job dies ten times.
  crash_loop: 'test/services/scheduler.test.ts',
  // Nobody foresaw it.
  internal: 'test/contract/cases/faults.ts',
};
