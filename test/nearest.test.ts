import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slipOf } from '../src/nearest.ts';

const NAMES = ['seed', 'spec_id', 'labels', 'idle_ttl_s', 'max_episode_steps'];

for (const [given, meant] of [
  ['sede', 'seed'],
  ['specId', 'spec_id'],
  ['label', 'labels'],
  ['maxEpisodeSteps', 'max_episode_steps'],
  ['nonsense', null],
  ['toString', null],
  ['x'.repeat(100_000), null],
] as const) {
  test(`${given.slice(0, 20)} was meant to be ${meant}`, () => assert.equal(slipOf(given, NAMES), meant));
}
