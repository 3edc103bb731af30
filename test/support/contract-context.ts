// One server for the whole contract suite, on fake services.
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../src/api/app.ts';
import { type Contract, loadContract } from '../../src/api/contract.ts';
import { type FakeServices, fakeServices } from './fake-services.ts';
import { RecordedResponses, type RecordingClient, recordingClient, urlOf } from './recorded-responses.ts';

export const BODY_LIMIT_BYTES = 64 * 1024;
export const HEARTBEAT_MS = 40;
export const MAX_PENDING_BYTES = 256 * 1024;
export const KEY = 'gsk_test_key';

export interface ContractContext {
  readonly contract: Contract;
  readonly services: FakeServices;
  readonly recorded: RecordedResponses;
  readonly app: FastifyInstance;
  readonly url: string;
  readonly http: RecordingClient;
  /** The same services behind a key. */
  readonly locked: RecordingClient;
  close(): Promise<void>;
}

export async function startContract(): Promise<ContractContext> {
  const contract = loadContract();
  const services = fakeServices();
  const recorded = new RecordedResponses(contract);
  const options = {
    services,
    logger: null,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    sse: { heartbeatMs: HEARTBEAT_MS, maxPendingBytes: MAX_PENDING_BYTES },
  };
  const app = await buildApp({ ...options, auth: null });
  const lockedApp = await buildApp({ ...options, auth: [createHash('sha256').update(KEY).digest('hex')] });
  await app.listen({ port: 0, host: '127.0.0.1' });
  await lockedApp.listen({ port: 0, host: '127.0.0.1' });
  return {
    contract,
    services,
    recorded,
    app,
    url: urlOf(app),
    http: recordingClient(app, recorded),
    locked: recordingClient(lockedApp, recorded),
    close: async () => {
      await app.close();
      await lockedApp.close();
    },
  };
}
