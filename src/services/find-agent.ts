import { DomainError } from '../errors.ts';
import type { AgentRow, AgentStore } from '../storage/agents.ts';

/** Throws `agent_not_found`. */
export function findAgent(agents: AgentStore, id: string): AgentRow {
  const agent = agents.find(id);
  if (agent !== undefined) return agent;
  throw new DomainError('agent_not_found', `There is no agent ${id}; GET /v1/agents lists all of them.`);
}

/** Of a checkpoint, to be put into a sentence. */
export function belongsTo(agentId: string | null): string {
  return agentId === null ? 'was imported and belongs to no agent' : `belongs to agent ${agentId}`;
}
