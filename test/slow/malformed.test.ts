// Twenty thousand malformed inputs of each kind: memory after the second half is what it was after the first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadContract } from '../../src/api/contract.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { feed, TARGETS } from '../support/malformed-runs.ts';
import { startRealServer } from '../support/real-servers.ts';
import { RecordedResponses } from '../support/recorded-responses.ts';
import { freshSeed } from '../support/seed.ts';

const COUNT = Number(process.env['GYMSERVE_MALFORMED'] ?? 20_000);
/** By then pools, caches of shapes and compiled code have their size. */
const WARM_UP = COUNT / 10;
/** A hundredth of a kilobyte kept of each input would be 100 kB; compiled code and counters of metrics come and go by a MB or two. */
const ALLOWED_HEAP_MB = 3;
/** Of the whole process, workers too: what the allocator and V8 take for themselves moves by some MB; a kilobyte an input would be 10. */
const ALLOWED_RSS_MB = 25;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

for (const [name, open] of Object.entries(TARGETS)) {
  test(`${COUNT} malformed ${name} leave memory as it was`, async (t) => {
    const server = await startRealServer(new RecordedResponses(loadContract()));
    t.after(() => server.close());
    const target = await open(server);
    const rng = Pcg64.fromSeed(freshSeed(t));
    const answers = await feed(target, WARM_UP, rng);
    const start = await memory();
    await feed(target, COUNT / 2, rng, answers);
    const half = await memory();
    await feed(target, COUNT / 2, rng, answers);
    const end = await memory();
    await target.check();
    target.close();
    t.diagnostic([...answers].map(([answer, count]) => `${answer}: ${count}`).join(', '));
    const say = ({ heap, rss }: Memory) => `${heap.toFixed(1)} / ${rss.toFixed(0)} MB`;
    t.diagnostic(`heap / resident after the warm-up ${say(start)}, after half ${say(half)}, at the end ${say(end)}`);
    assert.ok(end.heap - half.heap < ALLOWED_HEAP_MB, `${end.heap - half.heap} MB more on the heap`);
    assert.ok(end.rss - half.rss < ALLOWED_RSS_MB, `${end.rss - half.rss} MB more resident`);
  });
}

interface Memory {
  readonly heap: number;
  readonly rss: number;
}

async function memory(): Promise<Memory> {
  // Finalizers run between two collections.
  for (let round = 0; round < 3; round++) {
    collect();
    await sleep(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: (heapUsed + external) / 2 ** 20, rss: rss / 2 ** 20 };
}
