// What needs no real server, or what no real server does on demand: the document itself, faults, and any order of events.
// Everything else is in real-server.test.ts. The suite runs in one process, since its last test looks at what all others produced.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startContract } from '../support/contract-context.ts';
import { documentCases } from './cases/document.ts';
import { faultCases } from './cases/faults.ts';
import { jobEventCases } from './cases/job-events.ts';
import { FAULTS } from './faults-only.ts';

const context = await startContract();
after(() => context.close());

describe('the document', () => documentCases(context));
describe('faults', () => faultCases(context));
describe('job events', { timeout: 60_000 }, () => jobEventCases(context));

test('every status that only fakes produce was produced by a test above', () => {
  assert.deepEqual(
    context.recorded.missing().filter((name) => FAULTS.test(name)),
    [],
  );
});
