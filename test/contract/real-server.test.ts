// The whole contract on real servers: storage, worker threads, environments and training as a client meets them.
// The suite runs in one process, since its last test looks at what all others produced.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startRealServers } from '../support/real-servers.ts';
import { agentCases } from './cases/agents.ts';
import { authCases } from './cases/auth.ts';
import { badInputCases } from './cases/bad-input.ts';
import { catalogueCases } from './cases/catalogue.ts';
import { checkpointCases } from './cases/checkpoints.ts';
import { environmentCases } from './cases/environments.ts';
import { everyOperationCases } from './cases/every-operation.ts';
import { fullDiskCases } from './cases/full-disk.ts';
import { jobCases } from './cases/jobs.ts';
import { renderCases } from './cases/render.ts';
import { systemCases } from './cases/system.ts';
import { vectorEnvironmentCases } from './cases/vector-environments.ts';
import { wrapperCases } from './cases/wrappers.ts';
import { FAULTS } from './faults-only.ts';

const context = await startRealServers();
after(() => context.close());

describe('every operation', () => everyOperationCases(context));
describe('bad input', { timeout: 60_000 }, () => badInputCases(context));
describe('keys', () => authCases(context));
describe('system', () => systemCases(context));
describe('catalogue', () => catalogueCases(context));
describe('environments', () => environmentCases(context));
describe('pictures', () => renderCases(context));
describe('vector environments', () => vectorEnvironmentCases(context));
describe('wrappers', () => wrapperCases(context));
describe('agents', { timeout: 120_000 }, () => agentCases(context));
describe('checkpoints', () => checkpointCases(context));
describe('jobs', { timeout: 120_000 }, () => jobCases(context));
describe('a full disk', { timeout: 120_000 }, () => fullDiskCases(context));

test('every documented status was produced by a test above, but for those that need a broken server', () => {
  assert.deepEqual(
    context.recorded.missing().filter((name) => !FAULTS.test(name)),
    [],
  );
});
