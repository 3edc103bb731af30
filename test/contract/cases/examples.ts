// A request of any operation, from the document's own examples.
import type { Test } from 'supertest';
import type { Contract, Operation } from '../../../src/api/contract.ts';
import { NOBODY } from '../../support/real-servers.ts';

const PATH_VALUES: Readonly<Record<string, string>> = {
  environment_id: `env_${NOBODY}`,
  agent_id: `agt_${NOBODY}`,
  checkpoint_id: `ckpt_${NOBODY}`,
  job_id: `job_${NOBODY}`,
  backup_id: `bkp_${NOBODY}`,
};

/** A path that is well formed and leads to nothing. */
export function pathOf({ url }: Operation): string {
  return url.replace(/:(\w+)/g, (_, name: string) => PATH_VALUES[name] ?? 'nothing');
}

/** `request` with the body that the document shows, or a file that is none. */
export function withExample(request: Test, contract: Contract, operation: Operation): Test {
  if (operation.takesFile) return request.set('content-type', 'application/octet-stream').send(Buffer.from('a file'));
  const example = exampleBody(contract, operation);
  return example === undefined ? request : request.send(example as object);
}

/** Undefined where the operation takes no body. */
export function exampleBody({ document }: Contract, { body }: Operation): unknown {
  if (body === null) return undefined;
  const parts = body.$ref
    .split('#/')[1]
    ?.split('/')
    .slice(0, -1)
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'));
  let place: unknown = document;
  for (const part of parts ?? []) place = (place as Record<string, unknown>)[part];
  const { example, examples = {} } = place as { example?: unknown; examples?: Record<string, { value: unknown }> };
  return example ?? Object.values(examples)[0]?.value;
}
