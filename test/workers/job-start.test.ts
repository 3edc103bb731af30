import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EngineName, IN_OWN_PROCESS } from '../../src/compute/engine.ts';
import { JobProcess } from '../../src/workers/job-process.ts';
import { type JobIsolation, workerStarter } from '../../src/workers/job-start.ts';
import { JobThread } from '../../src/workers/job-thread.ts';
import type { JobAssignment } from '../../src/workers/protocol.ts';

/** What a job of the engine gets; it is ended before it does anything. */
async function hostOf(engine: EngineName, isolation: JobIsolation): Promise<unknown> {
  return await new Promise((resolve) => {
    const host = workerStarter(isolation)({ engine } as JobAssignment, {
      onMessage: () => undefined,
      onExit: () => resolve(host.constructor),
    });
    host.terminate();
  });
}

test('the engines that could take or keep their process are these', () => {
  assert.deepEqual([...IN_OWN_PROCESS].sort(), ['onnx-cuda', 'onnx-webgpu', 'tfjs-node-gpu']);
});

for (const isolation of ['thread', 'process'] as const) {
  for (const engine of IN_OWN_PROCESS) {
    test(`a job on ${engine} gets a process of its own with --job-isolation ${isolation}`, async () => {
      assert.equal(await hostOf(engine, isolation), JobProcess);
    });
  }

  test(`a job on native gets a ${isolation} with --job-isolation ${isolation}`, async () => {
    assert.equal(await hostOf('native', isolation), isolation === 'thread' ? JobThread : JobProcess);
  });
}
