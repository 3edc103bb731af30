// The contract suite runs in one process, since its last test looks at what all others produced.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startContract } from '../support/contract-context.ts';
import { agentCases } from './cases/agents.ts';
import { authCases } from './cases/auth.ts';
import { badInputCases } from './cases/bad-input.ts';
import { catalogueCases } from './cases/catalogue.ts';
import { checkpointCases } from './cases/checkpoints.ts';
import { documentCases } from './cases/document.ts';
import { environmentCases } from './cases/environments.ts';
import { everyOperationCases } from './cases/every-operation.ts';
import { jobEventCases } from './cases/job-events.ts';
import { jobCases } from './cases/jobs.ts';
import { systemCases } from './cases/system.ts';

const context = await startContract();
after(() => context.close());

describe('the document', () => documentCases(context));
describe('every operation', () => everyOperationCases(context));
describe('bad input', () => badInputCases(context));
describe('keys', () => authCases(context));
describe('system', () => systemCases(context));
describe('catalogue', () => catalogueCases(context));
describe('environments', () => environmentCases(context));
describe('agents', () => agentCases(context));
describe('checkpoints', () => checkpointCases(context));
describe('jobs', { timeout: 60_000 }, () => jobCases(context));
describe('job events', { timeout: 60_000 }, () => jobEventCases(context));

test('every documented status was produced by a test above', () => {
  assert.deepEqual(context.recorded.missing(), []);
});
