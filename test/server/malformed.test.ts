// A few hundred malformed files, messages and frames each; test/slow/malformed.test.ts sends thousands and looks at memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadContract } from '../../src/api/contract.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { feed, TARGETS } from '../support/malformed-runs.ts';
import { startRealServer } from '../support/real-servers.ts';
import { RecordedResponses } from '../support/recorded-responses.ts';
import { freshSeed } from '../support/seed.ts';

const COUNT = 400;

for (const [name, open] of Object.entries(TARGETS)) {
  test(`${COUNT} malformed ${name} are refused, and the server goes on`, async (t) => {
    const server = await startRealServer(new RecordedResponses(loadContract()));
    t.after(() => server.close());
    const target = await open(server);
    const answers = await feed(target, COUNT, Pcg64.fromSeed(freshSeed(t)));
    target.close();
    t.diagnostic([...answers].map(([answer, count]) => `${answer}: ${count}`).join(', '));
    await target.check();
    assert.ok(answers.size > 1, 'they are wrong in several ways');
    assert.equal((await server.http.get('/healthz')).status, 200);
  });
}
