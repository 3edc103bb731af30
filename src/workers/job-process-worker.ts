// The child process of one job: hosts its worker thread and passes messages between that and the server. A process of two
// threads, since the worker's loop never yields for long, and somebody has to notice that the server is gone.
import { JobThread } from './job-thread.ts';
import type { JobAssignment, JobCommand, JobProcessMessage } from './protocol.ts';

/** Often enough for any watchdog. */
const BEAT_EVERY_MS = 500;

if (process.send === undefined) throw new Error('job-process-worker.ts runs as a child of the server only.');

// A server that was killed takes no more, and the next one starts the job again.
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the server lets its jobs write a checkpoint and then ends them.
process.on('SIGINT', () => undefined);
process.once('message', (assignment) => host(assignment as JobAssignment));

function host(assignment: JobAssignment): void {
  let pending = 0;
  let isOver = false;
  const leave = () => {
    if (isOver && pending === 0) process.exit(0);
  };
  const send = (message: JobProcessMessage) => {
    pending++;
    process.send?.(message, undefined, undefined, () => {
      pending--;
      leave();
    });
  };
  const thread = new JobThread(assignment, {
    onMessage: send,
    onExit: () => {
      isOver = true;
      leave();
    },
  });
  process.on('message', (command) => thread.tell(command as JobCommand));
  setInterval(() => send({ type: 'beats', beats: thread.beats() }), BEAT_EVERY_MS);
}
