// Agents: made, shown, acting, restored. What they learn, they learn in jobs.
import { randomInt } from 'node:crypto';
import type { Hyperparameters } from '../agent/algorithm.ts';
import { findAlgorithm } from '../agent/algorithm-registry.ts';
import { boxFrom } from '../agent/outside-spaces.ts';
import type { EngineName } from '../compute/engine.ts';
import { findSpec } from '../envs/registry.ts';
import { batchTensor, rowsOf, type TensorData } from '../envs/spaces/tensor-data.ts';
import { DomainError } from '../errors.ts';
import type { AgentRow, AgentStore } from '../storage/agents.ts';
import { type Database, transaction } from '../storage/database.ts';
import type { Page, PageQuery } from '../storage/page.ts';
import type { EnvironmentPool } from '../workers/environment-pool.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { ActingPolicy } from './environment-rollouts.ts';
import { fallBackOfAgent } from './fall-back.ts';
import { belongsTo, findAgent } from './find-agent.ts';
import { newId } from './ids.ts';
import type { Jobs } from './jobs.ts';
import { aboutPolicy, type Policies } from './policies.ts';

export interface AgentRecord extends AgentRow {
  /** Environment steps the agent has learnt from, as of its checkpoint. */
  readonly timesteps: number;
  /** The job that trains it; null while none does. */
  readonly trainingJobId: string | null;
}

interface Naming {
  readonly name: string | null;
  /** Null = drawn by the server; a fork's is then its parent's. */
  readonly seed: number | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface NewAgent extends Naming {
  readonly fromCheckpointId: null;
  readonly algorithm: string;
  /** Null = its environment is outside of this server, and has these spaces. */
  readonly specId: string | null;
  readonly spaces: { readonly observation: unknown; readonly action: unknown } | null;
  readonly envKwargs: Readonly<Record<string, unknown>>;
  /** What differs from the defaults. */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
}

/** A fork is what its checkpoint is. */
export interface ForkedAgent extends Naming {
  readonly fromCheckpointId: string;
}

export type CreateAgent = NewAgent | ForkedAgent;

/** Exactly one of the two is present. */
export interface ActRequest {
  readonly observation?: unknown;
  readonly observations?: readonly unknown[];
  readonly deterministic: boolean;
}

export interface ActAnswer {
  readonly action?: TensorData;
  readonly actions?: TensorData;
  readonly policyStep: number;
}

export class Agents {
  readonly #database: Database;
  readonly #store: AgentStore;
  readonly #checkpoints: Checkpoints;
  readonly #jobs: Jobs;
  readonly #policies: Policies;
  readonly #pool: EnvironmentPool;
  readonly #engine: EngineName;
  readonly #version: string;

  constructor(options: {
    readonly database: Database;
    readonly store: AgentStore;
    readonly checkpoints: Checkpoints;
    readonly jobs: Jobs;
    readonly policies: Policies;
    readonly pool: EnvironmentPool;
    /** For acting. */
    readonly engine: EngineName;
    /** Of Gymserve, for the files it hands out. */
    readonly version: string;
  }) {
    this.#database = options.database;
    this.#store = options.store;
    this.#checkpoints = options.checkpoints;
    this.#jobs = options.jobs;
    this.#policies = options.policies;
    this.#pool = options.pool;
    this.#engine = options.engine;
    this.#version = options.version;
  }

  /** `within` is called in the transaction that creates the agent. */
  async create(wanted: CreateAgent, within: (agent: AgentRecord) => void = () => undefined): Promise<AgentRecord> {
    if (wanted.fromCheckpointId !== null) return await this.#fork(wanted, within);
    const specId = wanted.specId === null ? null : findSpec(wanted.specId).id;
    const algorithm = findAlgorithm(wanted.algorithm);
    const { name, labels, envKwargs } = wanted;
    const hyperparameters = algorithm.resolve(wanted.hyperparameters, specId);
    const seed = wanted.seed ?? randomInt(2 ** 31);
    const given = wanted.spaces && {
      observation: boxFrom(wanted.spaces.observation, 'observation_space'),
      action: boxFrom(wanted.spaces.action, 'action_space'),
    };
    const identity = { algorithm: algorithm.name, hyperparameters, specId, envKwargs };
    const { model, ...spaces } = await this.#pool.askAny({
      type: 'initializeAgent',
      seed,
      spaces: given,
      ...identity,
    });
    return this.#insert(
      { ...identity, ...spaces, seed, name, labels },
      { timesteps: 0, model, experience: null },
      within,
    );
  }

  get(id: string): AgentRecord {
    return this.#record(this.#find(id));
  }

  list(query: PageQuery): Page<AgentRecord> {
    const { data, nextPageToken } = this.#store.list(query);
    return { data: data.map((row) => this.#record(row)), nextPageToken };
  }

  /** Changes what is given; labels are replaced whole. */
  update(id: string, change: { name?: string | null; labels?: Readonly<Record<string, string>> }): AgentRecord {
    const row = this.#find(id);
    this.#store.rename(id, change.name === undefined ? row.name : change.name, change.labels ?? row.labels);
    return this.get(id);
  }

  /** Deletes the agent with its checkpoints and jobs. Throws `agent_training` while a job of it has not ended. */
  async delete(id: string): Promise<void> {
    this.#find(id);
    this.#jobs.assertIdle(id, 'delete it');
    this.#store.delete(id);
    this.#policies.withdraw(id);
    this.#checkpoints.sweepSoon();
  }

  /** Actions of the agent's last published policy, in the environment's action space. */
  async act(id: string, request: ActRequest): Promise<ActAnswer> {
    return await this.#withPolicy(id, () => this.#act(id, request));
  }

  async #act(id: string, { observation, observations, deterministic }: ActRequest): Promise<ActAnswer> {
    const { version, policyStep, source } = this.actingPolicy(id);
    const request = {
      type: 'act',
      agentId: id,
      version,
      observations: observations ?? [observation],
      deterministic,
    } as const;
    let reply = await this.#pool.askAny({ ...request, policy: null });
    if ('lacking' in reply) reply = await this.#pool.askAny({ ...request, policy: source });
    if ('lacking' in reply)
      throw new Error(`A worker lacks the policy ${version} of agent ${id} that it was just sent.`);
    const actions = batchTensor(source.actionSpace, request.observations.length, reply.actions);
    if (observations !== undefined) return { actions, policyStep };
    const [action] = rowsOf(actions);
    if (action === undefined) throw new Error(`Agent ${id} gave no action for one observation.`);
    return { action, policyStep };
  }

  /** The agent's last published policy, for a worker that acts with it. */
  actingPolicy(id: string): ActingPolicy {
    const row = this.#find(id);
    const { version, policyStep, state } = this.#policies.of(row, this.#checkpoints.row(row.checkpointId));
    const { observationSpace, actionSpace } = row;
    const source = { ...identityOf(row), observationSpace, actionSpace, engine: this.#engine, state };
    const fallsBack = (error: unknown) => this.#fallsBack(id, row.checkpointId, error);
    return { agentId: id, version, policyStep, source, fallsBack };
  }

  /** The agent's last published policy as an ONNX file that acts as `act` does where it is deterministic. */
  async policyModel(id: string): Promise<{ readonly model: Uint8Array; readonly sha256: string }> {
    return await this.#withPolicy(id, () => this.#policyModel(id));
  }

  async #policyModel(id: string): Promise<{ readonly model: Uint8Array; readonly sha256: string }> {
    const row = this.#find(id);
    const policy = this.#policies.of(row, this.#checkpoints.row(row.checkpointId));
    return await this.#pool.askAny({
      type: 'exportPolicy',
      policy: { ...row, ...identityOf(row), state: policy.state },
      about: aboutPolicy(row, policy, this.#version),
    });
  }

  /**
   * Told that reading the agent's policy gave `error`: where the files of its checkpoint are damaged, the agent goes back to the
   * newest one before that are not. Whether it did.
   */
  #fallsBack(id: string, checkpointId: string, error: unknown): boolean {
    if (!(error instanceof DomainError) || error.code !== 'checkpoint_corrupt') return false;
    const stores = { agents: this.#store, checkpoints: this.#checkpoints };
    return fallBackOfAgent(stores, id, checkpointId, error.message) !== null;
  }

  /** Puts the agent back to one of its own checkpoints, once its files were read. Throws `checkpoint_corrupt` where they are damaged. */
  async restore(id: string, checkpointId: string): Promise<AgentRecord> {
    this.#find(id);
    this.#jobs.assertIdle(id, 'restore it');
    const checkpoint = this.#checkpoints.row(checkpointId);
    if (checkpoint.agentId !== id) {
      throw new DomainError(
        'checkpoint_incompatible',
        `Checkpoint ${checkpointId} ${belongsTo(checkpoint.agentId)}, not to ${id}; to start from it, create an agent with from_checkpoint_id.`,
      );
    }
    await this.#verify(checkpointId);
    // Whoever was faster while the files were read.
    this.#jobs.assertIdle(id, 'restore it');
    this.#store.setCheckpoint(id, checkpointId);
    return this.get(id);
  }

  /** Reads all files of a checkpoint. Throws `checkpoint_corrupt`, which the checkpoint says from then on, until they are whole again. */
  async #verify(checkpointId: string): Promise<void> {
    const { model, experience } = this.#checkpoints.stateOf(checkpointId);
    try {
      await this.#pool.askAny({ type: 'verifyCheckpoint', model, experience });
      this.#checkpoints.markSound(checkpointId);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'checkpoint_corrupt')
        this.#checkpoints.markDamaged(checkpointId, error.message);
      throw error;
    }
  }

  /** Until `use` finds the files of the policy that it reads to be what they were. */
  async #withPolicy<T>(id: string, use: () => Promise<T>): Promise<T> {
    for (;;) {
      const { checkpointId } = this.#find(id);
      try {
        return await use();
      } catch (error) {
        if (!this.#fallsBack(id, checkpointId, error)) throw error;
      }
    }
  }

  async #fork(
    { fromCheckpointId, name, labels, seed }: ForkedAgent,
    within: (agent: AgentRecord) => void,
  ): Promise<AgentRecord> {
    this.#checkpoints.row(fromCheckpointId);
    await this.#verify(fromCheckpointId);
    const { agentId, identity } = this.#checkpoints.row(fromCheckpointId);
    const state = this.#checkpoints.stateOf(fromCheckpointId);
    // One that was imported has no parent whose seed it could have.
    if (identity !== null) {
      return this.#insert({ ...identity, seed: seed ?? randomInt(2 ** 31), name, labels }, state, within);
    }
    const parent = this.#find(agentId ?? '');
    return this.#insert({ ...parent, seed: seed ?? parent.seed, name, labels }, state, within);
  }

  #insert(
    agent: Omit<AgentRow, 'id' | 'checkpointId' | 'createdAt' | 'updatedAt'>,
    state: Parameters<Checkpoints['insert']>[0]['state'],
    within: (agent: AgentRecord) => void,
  ): AgentRecord {
    const now = new Date();
    const row: AgentRow = { ...agent, id: newId('agt'), checkpointId: newId('ckpt'), createdAt: now, updatedAt: now };
    transaction(this.#database, () => {
      this.#store.insert(row);
      this.#checkpoints.insert({ id: row.checkpointId, agentId: row.id, jobId: null, state });
      within(this.#record(row));
    });
    return this.#record(row);
  }

  #record(row: AgentRow): AgentRecord {
    const { timesteps } = this.#checkpoints.row(row.checkpointId);
    return { ...row, timesteps, trainingJobId: this.#jobs.trainingJobOf(row.id) };
  }

  #find(id: string): AgentRow {
    return findAgent(this.#store, id);
  }
}

function identityOf({ algorithm, hyperparameters, specId, envKwargs }: AgentRow) {
  return { algorithm, hyperparameters: hyperparameters as Hyperparameters, specId, envKwargs };
}
