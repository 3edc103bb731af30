// A job's worker in a process of its own: the same thread with the same messages, and between it and the server a child that
// passes them on (job-process-worker.ts). What crosses is copied, policies too.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { JobChannel, type JobHost, type JobHostHandlers } from './job-host.ts';
import type { JobAssignment, JobCommand, JobProcessMessage } from './protocol.ts';

const SCRIPT = fileURLToPath(new URL('./job-process-worker.js', import.meta.url));

export class JobProcess implements JobHost {
  readonly #child: ChildProcess;
  readonly #channel: JobChannel;
  #beats = 0;

  constructor(assignment: JobAssignment, handlers: JobHostHandlers) {
    const channel = new JobChannel(handlers);
    this.#channel = channel;
    this.#child = fork(SCRIPT, [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (received) => {
      const message = received as JobProcessMessage;
      if (message.type === 'beats') this.#beats = message.beats;
      else channel.deliver(message);
    });
    this.#child.on('error', (error) => channel.lost(error.message));
    // What it sent last may be read only after its end: the channel closes behind it.
    const ended = Promise.all([
      new Promise<string>((resolve) => {
        this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
        this.#child.once('error', (error) => resolve(error.message));
      }),
      new Promise<void>((resolve) => {
        if (this.#child.connected) this.#child.once('disconnect', resolve);
        else resolve();
      }),
    ]);
    void ended.then(([how]) => {
      channel.lost(how);
      channel.over();
    });
    this.#send(assignment);
  }

  tell(command: JobCommand): void {
    this.#send(command);
  }

  beats(): number {
    return this.#beats;
  }

  terminate(reason = 'it was terminated'): void {
    this.#channel.lost(reason);
    this.#child.kill('SIGKILL');
  }

  /** To a child that ended meanwhile there is nothing to say; its end is reported by itself. */
  #send(message: JobAssignment | JobCommand): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }
}
