import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '../../../src/errors.ts';
import type { ContractContext } from '../../support/contract-context.ts';
import { pathOf, withExample } from './examples.ts';

/** What every operation does where the server itself is at fault. */
export function faultCases({ contract, http, services }: ContractContext): void {
  for (const operation of contract.operations) {
    const { operationId, method, responses } = operation;
    const call = (failure: Error, status: number) => {
      services.failure = failure;
      return withExample(http.call(method, pathOf(operation)), contract, operation).expect(status);
    };

    if (responses.has(500)) {
      test(`${operationId} keeps the cause of a fault to itself`, async (t) => {
        t.after(() => {
          services.failure = null;
        });
        const { body, text } = await call(new Error('the secret cause'), 500);
        assert.equal(body.code, 'internal');
        assert.ok(body.detail.includes(body.request_id));
        assert.ok(!text.includes('secret'));
      });
    }
    if (responses.has(504)) {
      test(`${operationId} says that it took too long`, async (t) => {
        t.after(() => {
          services.failure = null;
        });
        const { body } = await call(new DomainError('step_timeout', 'Ask for less.'), 504);
        assert.equal(body.code, 'step_timeout');
        assert.equal(body.detail, 'Ask for less.');
      });
    }
    if (responses.has(507)) {
      test(`${operationId} says where the disk is full, whoever notices`, async (t) => {
        t.after(() => {
          services.failure = null;
        });
        const ofDatabase = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
        for (const failure of [new DomainError('disk_full', 'Free space.'), ofDatabase]) {
          const { body } = await call(failure, 507);
          assert.equal(body.code, 'disk_full');
          assert.match(body.detail, /[Ff]ree space/);
        }
      });
    }
  }
}
