// Whether an agent has an environment here.
import { DomainError } from '../errors.ts';
import type { AgentIdentity, EnvironmentIdentity } from './protocol.ts';

/** Throws `no_environment` where it is outside of the server. */
export function environmentOf({ specId, envKwargs }: Pick<AgentIdentity, 'specId' | 'envKwargs'>): EnvironmentIdentity {
  if (specId !== null) return { specId, envKwargs };
  throw new DomainError(
    'no_environment',
    "The agent's environment is outside of this server; give it transitions (POST /v1/agents/{id}/transitions), then let it learn from them (POST /v1/agents/{id}/learn).",
  );
}
