// The whole contract on real servers: storage, worker threads, environments and training as a client meets them.
// The suite runs in one process, since its last test looks at what all others produced.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { ERROR_CODES } from '../../src/errors.ts';
import { startRealServers } from '../support/real-servers.ts';
import { agentCases } from './cases/agents.ts';
import { authCases } from './cases/auth.ts';
import { backupCases } from './cases/backups.ts';
import { badInputCases } from './cases/bad-input.ts';
import { catalogueCases } from './cases/catalogue.ts';
import { checkpointCases } from './cases/checkpoints.ts';
import { damagedCheckpointCases } from './cases/damaged-checkpoints.ts';
import { environmentCheckCases } from './cases/environment-checks.ts';
import { environmentCases } from './cases/environments.ts';
import { everyOperationCases } from './cases/every-operation.ts';
import { fullDiskCases } from './cases/full-disk.ts';
import { fullHeapCases } from './cases/full-heap.ts';
import { idempotencyCases } from './cases/idempotency.ts';
import { importCases } from './cases/imports.ts';
import { jobControlCases } from './cases/job-control.ts';
import { jobCases } from './cases/jobs.ts';
import { lostWorkerCases } from './cases/lost-workers.ts';
import { memoryCases } from './cases/memory.ts';
import { msgpackCases } from './cases/msgpack.ts';
import { outsideCases } from './cases/outside.ts';
import { pageCases } from './cases/pages.ts';
import { planningCases } from './cases/planning.ts';
import { renderCases } from './cases/render.ts';
import { rolloutCases } from './cases/rollouts.ts';
import { snapshotCases } from './cases/snapshots.ts';
import { systemCases } from './cases/system.ts';
import { trainingOptionCases } from './cases/training-options.ts';
import { vectorEnvironmentCases } from './cases/vector-environments.ts';
import { websocketCases } from './cases/websocket.ts';
import { wrapperCases } from './cases/wrappers.ts';
import { ELSEWHERE } from './elsewhere.ts';
import { FAULTS } from './faults-only.ts';

const context = await startRealServers();
// A backup tells which files of its data directory are damaged, and other cases damage those of theirs.
const undamaged = await context.start();
after(async () => {
  await undamaged.close();
  await context.close();
});

describe('every operation', () => everyOperationCases(context));
describe('bad input', { timeout: 60_000 }, () => badInputCases(context));
describe('keys', () => authCases(context));
describe('pages', () => pageCases(context));
describe('system', () => systemCases(context));
describe('catalogue', () => catalogueCases(context));
describe('environments', () => environmentCases(context));
describe('pictures', () => renderCases(context));
describe('snapshots', () => snapshotCases(context));
describe('rollouts', () => rolloutCases(context));
describe('checks of environments', () => environmentCheckCases(context));
describe('vector environments', () => vectorEnvironmentCases(context));
describe('MessagePack', { timeout: 300_000 }, () => msgpackCases(context));
describe('WebSockets', { timeout: 600_000 }, () => websocketCases(context));
describe('wrappers', () => wrapperCases(context));
describe('memory', { timeout: 60_000 }, () => memoryCases(context));
describe('lost workers', { timeout: 60_000 }, () => lostWorkerCases(context));
describe('a full heap', { timeout: 120_000 }, () => fullHeapCases(context));
describe('agents', { timeout: 120_000 }, () => agentCases(context));
describe('checkpoints', () => checkpointCases(context));
describe('imports', { timeout: 300_000 }, () => importCases(context));
describe('agents of outside environments', { timeout: 120_000 }, () => outsideCases(context));
describe('jobs', { timeout: 120_000 }, () => jobCases(context));
describe('control of jobs', { timeout: 120_000 }, () => jobControlCases(context));
describe('idempotency keys', { timeout: 120_000 }, () => idempotencyCases(context));
describe('training options', { timeout: 120_000 }, () => trainingOptionCases(context));
describe('planning', { timeout: 120_000 }, () => planningCases(context));
describe('damaged checkpoints', { timeout: 120_000 }, () => damagedCheckpointCases(context));
describe('backups', { timeout: 120_000 }, () => backupCases({ ...context, ...undamaged }));
describe('a full disk', { timeout: 120_000 }, () => fullDiskCases(context));

test('every documented status was produced by a test above, but for those that need a broken server', () => {
  assert.deepEqual(
    context.recorded.missing().filter((name) => !FAULTS.test(name)),
    [],
  );
});

test('every error code was produced by a test above, but for those that have a test of their own elsewhere', () => {
  const missing = context.recorded.missingCodes(ERROR_CODES);
  assert.deepEqual(
    missing.filter((code) => !Object.hasOwn(ELSEWHERE, code)),
    [],
  );
});

for (const [code, file] of Object.entries(ELSEWHERE)) {
  test(`${code} is a code, and ${file} asserts it`, () => {
    assert.ok((ERROR_CODES as readonly string[]).includes(code));
    assert.match(readFileSync(file, 'utf8'), new RegExp(`'${code}'`));
  });
}
