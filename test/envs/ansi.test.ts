// What toy text looks like as text, held to what Gymnasium prints (scripts/record-ansi-fixtures.py).
import assert from 'node:assert/strict';
import test from 'node:test';
import { renderModesOf } from '../../src/envs/env.ts';
import { make, specs } from '../../src/envs/registry.ts';
import { readFixture } from '../fixtures/read.ts';

interface Play {
  readonly id: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly actions: readonly number[];
  /** At the start, after each action, and after the reset that follows an end. */
  readonly texts: readonly string[];
}

const { plays } = readFixture<{ plays: readonly Play[] }>('ansi');

for (const { id, kwargs, seed, actions, texts } of plays) {
  test(`${id} prints what Gymnasium prints, ${JSON.stringify(kwargs)}`, async () => {
    using env = await make(id, { kwargs });
    const text = () => env.render({ width: 16, height: 16 }).text;
    env.reset({ seed });
    const seen = [text()];
    for (const action of actions) {
      const { terminated, truncated } = env.step(action);
      seen.push(text());
      if (!terminated && !truncated) continue;
      env.reset();
      seen.push(text());
    }
    assert.deepEqual(seen, texts);
  });
}

test('the recorded plays show a passenger on board, and all that have text', () => {
  const green = '\x1b[42m';
  assert.ok(plays.some(({ texts }) => texts.some((text) => text.includes(green))));
  const played = [...new Set(plays.map(({ id }) => id))].sort();
  const withText = specs().filter((spec) => renderModesOf(spec).includes('ansi'));
  assert.deepEqual(
    withText.map(({ id }) => id),
    played,
  );
});
