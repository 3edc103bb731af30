// The API on fake services, for what the real ones do not do on demand.
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../src/api/app.ts';
import { type Contract, loadContract } from '../../src/api/contract.ts';
import { type FakeServices, fakeServices } from './fake-services.ts';
import { RecordedResponses, type RecordingClient, recordingClient, urlOf } from './recorded-responses.ts';

const HEARTBEAT_MS = 40;
export const MAX_PENDING_BYTES = 256 * 1024;

export interface ContractContext {
  readonly contract: Contract;
  readonly services: FakeServices;
  readonly recorded: RecordedResponses;
  readonly app: FastifyInstance;
  readonly url: string;
  readonly http: RecordingClient;
  close(): Promise<void>;
}

export async function startContract(): Promise<ContractContext> {
  const contract = loadContract();
  const services = fakeServices();
  const recorded = new RecordedResponses(contract);
  const sse = { heartbeatMs: HEARTBEAT_MS, maxPendingBytes: MAX_PENDING_BYTES };
  const app = await buildApp({ services, logger: null, auth: null, sse });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    contract,
    services,
    recorded,
    app,
    url: urlOf(app),
    http: recordingClient(app, recorded),
    close: () => app.close(),
  };
}
