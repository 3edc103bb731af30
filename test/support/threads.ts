// The worker threads that the code under test starts, in the order of their first message, so that a test can end them.
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

export function startedThreads(t: TestContext): ReadonlySet<Worker> {
  const threads = new Set<Worker>();
  const post = Worker.prototype.postMessage;
  t.mock.method(Worker.prototype, 'postMessage', function (this: Worker, message: unknown) {
    threads.add(this);
    post.call(this, message);
  });
  return threads;
}

/** No request: the thread fails to read it, and nobody there catches that. */
export function crash(thread: Worker | undefined): void {
  thread?.postMessage(null);
}

/** Until the function that this returns is called, no thread hears what it is asked, and so none answers. */
export function silence(t: TestContext): () => void {
  const { mock } = t.mock.method(Worker.prototype, 'postMessage', () => undefined);
  return () => mock.restore();
}
