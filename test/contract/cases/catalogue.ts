import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContractContext } from '../../support/contract-context.ts';

export function catalogueCases({ http }: ContractContext): void {
  test('environments come in pages', async () => {
    const first = await http.get('/v1/env-specs?page_size=2').expect(200);
    assert.deepEqual(
      first.body.data.map(({ id }: { id: string }) => id),
      ['Alpha-v0', 'Beta-v0'],
    );
    assert.equal(first.body.has_more, true);
    const second = await http.get(`/v1/env-specs?page_size=2&page_token=${first.body.next_page_token}`).expect(200);
    assert.deepEqual(
      second.body.data.map(({ id }: { id: string }) => id),
      ['Gamma-v0'],
    );
    assert.equal(second.body.next_page_token, null);
  });

  test('a page token that no page gave is refused', async () => {
    const { body } = await http.get('/v1/env-specs?page_token=Nothing-v0').expect(400);
    assert.equal(body.errors[0].pointer, '/query/page_token');
  });

  test('one environment', async () => {
    const { body } = await http.get('/v1/env-specs/Beta-v0').expect(200);
    assert.deepEqual(body.action_space, { type: 'Discrete', n: 2, start: 0 });
    assert.equal(body.kwargs_schema.properties.gravity.default, 9.81);
  });

  test('algorithms', async () => {
    const { body } = await http.get('/v1/algorithms').expect(200);
    assert.deepEqual((await http.get('/v1/algorithms/sac').expect(200)).body, body.data[0]);
  });
}
