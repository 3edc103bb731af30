// Where an agent's policy stands now: published by its running job, else in its checkpoint.
import type { ModelAbout } from '../compute/onnx/model.ts';
import type { Tensors } from '../math/tensor.ts';
import type { AgentRow } from '../storage/agents.ts';
import type { CheckpointRow } from '../storage/checkpoints.ts';
import type { PolicySource } from '../workers/protocol.ts';

export interface CurrentPolicy {
  /** Changes whenever the parameters do. */
  readonly version: string;
  /** Timesteps the policy has learnt from. */
  readonly policyStep: number;
  readonly state: PolicySource['state'];
}

export class Policies {
  readonly #published = new Map<string, CurrentPolicy>();
  #publications = 0;

  publish(agentId: string, policyStep: number, tensors: Tensors): void {
    this.#publications++;
    this.#published.set(agentId, { version: `publication ${this.#publications}`, policyStep, state: { tensors } });
  }

  /** From now on the agent's checkpoint is its policy. */
  withdraw(agentId: string): void {
    this.#published.delete(agentId);
  }

  of(agent: AgentRow, checkpoint: CheckpointRow): CurrentPolicy {
    return (
      this.#published.get(agent.id) ?? {
        version: checkpoint.id,
        policyStep: checkpoint.timesteps,
        state: { model: checkpoint.model },
      }
    );
  }
}

/** What the file of a policy says of it. A policy that a running job published is in no checkpoint yet, so it names none. */
export function aboutPolicy(
  agent: AgentRow,
  { version, policyStep, state }: CurrentPolicy,
  gymserve: string,
): ModelAbout {
  const { id, algorithm, specId } = agent;
  return {
    name: 'policy',
    description: `Deterministic policy of ${id}: ${algorithm} on ${specId ?? 'an environment outside of the server'} after ${policyStep} timesteps.`,
    version: gymserve,
    metadata: {
      agent_id: id,
      ...(specId !== null && { spec_id: specId }),
      algorithm,
      timesteps: String(policyStep),
      ...('model' in state && { checkpoint_id: version, model_sha256: state.model.sha256 }),
      gymserve_version: gymserve,
    },
  };
}
