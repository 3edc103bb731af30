// Experience from environments that this server does not run: checked, stored, and kept until a job has learnt from it.
import type { Hyperparameters } from '../agent/algorithm.ts';
import { findAlgorithm } from '../agent/algorithm-registry.ts';
import { DomainError } from '../errors.ts';
import type { AgentRow, AgentStore } from '../storage/agents.ts';
import { type Database, transaction } from '../storage/database.ts';
import type { TransitionStore } from '../storage/transitions.ts';
import type { EnvironmentPool } from '../workers/environment-pool.ts';
import type { TransitionColumns } from '../workers/transition-files.ts';
import type { Checkpoints } from './checkpoints.ts';
import { findAgent } from './find-agent.ts';
import type { Scheduler } from './scheduler.ts';

export type NewTransitions = TransitionColumns;

export interface TransitionsTaken {
  readonly accepted: number;
  /** In no checkpoint yet. */
  readonly pending: number;
  /** Since the agent was made. */
  readonly total: number;
}

/** Each is a file until it is learnt from. */
const MAX_PENDING_BATCHES = 10_000;

export class Transitions {
  readonly #database: Database;
  readonly #store: TransitionStore;
  readonly #agents: AgentStore;
  readonly #checkpoints: Checkpoints;
  readonly #scheduler: Scheduler;
  readonly #pool: EnvironmentPool;

  constructor(options: {
    readonly database: Database;
    readonly store: TransitionStore;
    readonly agents: AgentStore;
    readonly checkpoints: Checkpoints;
    readonly scheduler: Scheduler;
    /** Reads and writes what is stored. */
    readonly pool: EnvironmentPool;
  }) {
    this.#database = options.database;
    this.#store = options.store;
    this.#agents = options.agents;
    this.#checkpoints = options.checkpoints;
    this.#scheduler = options.scheduler;
    this.#pool = options.pool;
  }

  /**
   * Takes all of `columns` or nothing; what it took is durable. `within` is called in the transaction that stores it.
   * Throws `transitions_unsupported`, `transitions_pending`, `disk_full`, or what is wrong with a row.
   */
  async add(
    agentId: string,
    columns: NewTransitions,
    within: (taken: TransitionsTaken) => void = () => undefined,
  ): Promise<TransitionsTaken> {
    const agent = findAgent(this.#agents, agentId);
    const { capacity } = looseReplayOf(agent);
    this.#assertRoom(agentId, 1, capacity);
    this.#scheduler.assertNotHeld('No transitions are taken in now');
    const spaces = { observation: agent.observationSpace, action: agent.actionSpace };
    const { count, blob } = await this.#pool.askAny({ type: 'storeTransitions', spaces, columns });
    // Others may have come, and the agent may have gone, while it was checked.
    try {
      return transaction(this.#database, () => {
        findAgent(this.#agents, agentId);
        this.#assertRoom(agentId, count, capacity);
        this.#store.append(agentId, count, blob);
        const { pending, total } = this.#store.counts(agentId);
        const taken = { accepted: count, pending, total };
        within(taken);
        return taken;
      });
    } catch (error) {
      // Nothing names the file.
      this.#checkpoints.sweepSoon();
      throw error;
    }
  }

  /** What is learnt from has been in the replay: more than fits would be lost unseen. */
  #assertRoom(agentId: string, count: number, capacity: number): void {
    const { pending, batches } = this.#store.counts(agentId);
    const learn = `let it learn from them first (POST /v1/agents/${agentId}/learn)`;
    if (pending + count > capacity) {
      throw new DomainError(
        'transitions_pending',
        `Agent ${agentId} has ${pending} transitions that it has not learnt from, and a replay_capacity of ${capacity}; ${count} more do not fit: ${learn}.`,
      );
    }
    if (batches >= MAX_PENDING_BATCHES) {
      throw new DomainError(
        'transitions_pending',
        `Agent ${agentId} has ${batches} batches of transitions that it has not learnt from, the most that are kept: ${learn}, and send more rows at a time.`,
      );
    }
  }
}

/** Throws `transitions_unsupported` where the agent's algorithm or its settings cannot learn from transitions. */
export function looseReplayOf(agent: AgentRow): { readonly capacity: number; readonly batchSize: number } {
  const algorithm = findAlgorithm(agent.algorithm);
  if (algorithm.kind === 'interactive') return algorithm.looseReplay(agent.hyperparameters as Hyperparameters);
  throw new DomainError(
    'transitions_unsupported',
    `${agent.algorithm} plans on its environment's own table and learns from no transitions; make an agent of another algorithm (GET /v1/algorithms).`,
  );
}
