import assert from 'node:assert/strict';
import { test } from 'node:test';
import { negotiate } from '../../src/api/accept.ts';

const JSON_TYPE = 'application/json';
const SSE = 'text/event-stream';

for (const [accept, chosen] of [
  [undefined, JSON_TYPE],
  ['', JSON_TYPE],
  ['*/*', JSON_TYPE],
  ['application/*', JSON_TYPE],
  ['text/*', SSE],
  ['Text/Event-Stream', SSE],
  ['text/event-stream, */*;q=0.1', SSE],
  ['text/event-stream;q=0.1, application/json', JSON_TYPE],
  ['*/*, application/json;q=0', SSE],
  ['text/event-stream;charset=utf-8;q=0.9', SSE],
  ['text/html', null],
  ['*/*;q=0', null],
  ['application/json;q=nonsense', null],
  ['nonsense', null],
] as const) {
  test(`Accept ${JSON.stringify(accept)} chooses ${chosen}`, () => {
    assert.equal(negotiate(accept, [JSON_TYPE, SSE]), chosen);
  });
}
