// Agents as rows. Knows SQL, and nothing of what an agent does.
import type { SpaceDocument } from '../envs/spaces/space.ts';
import type { Database } from './database.ts';
import { hasLabels } from './labels.ts';
import { NEWEST, type Page, type PageQuery, pageOf } from './page.ts';

export interface AgentRow {
  readonly id: string;
  readonly name: string | null;
  readonly algorithm: string;
  /** Null = its environment is outside of this server. */
  readonly specId: string | null;
  readonly envKwargs: Readonly<Record<string, unknown>>;
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  /** Every default resolved. */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The state the agent has now. */
  readonly checkpointId: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

interface Stored {
  id: string;
  name: string | null;
  algorithm: string;
  spec_id: string;
  env_kwargs: string;
  observation_space: string;
  action_space: string;
  hyperparameters: string;
  seed: number;
  labels: string;
  checkpoint_id: string;
  created_at: number;
  updated_at: number;
}

export class AgentStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  insert(row: AgentRow): void {
    this.#database
      .prepare('INSERT INTO agents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)')
      .run(
        row.id,
        row.name,
        row.algorithm,
        row.specId ?? '',
        JSON.stringify(row.envKwargs),
        JSON.stringify(row.observationSpace),
        JSON.stringify(row.actionSpace),
        JSON.stringify(row.hyperparameters),
        row.seed,
        JSON.stringify(row.labels),
        row.checkpointId,
        row.createdAt.getTime(),
        row.updatedAt.getTime(),
      );
  }

  find(id: string): AgentRow | undefined {
    const stored = this.#database.prepare('SELECT * FROM agents WHERE id = ?').get(id) as Stored | undefined;
    return stored && rowOf(stored);
  }

  list({ pageSize, pageToken, labels = {} }: PageQuery): Page<AgentRow> {
    const stored = this.#database
      .prepare(`SELECT * FROM agents WHERE id < ?1 AND ${hasLabels('agents.labels', '?2')} ORDER BY id DESC LIMIT ?3`)
      .all(pageToken ?? NEWEST, JSON.stringify(labels), pageSize + 1) as Stored[];
    return pageOf(stored.map(rowOf), pageSize);
  }

  rename(id: string, name: string | null, labels: Readonly<Record<string, string>>): void {
    this.#database
      .prepare('UPDATE agents SET name = ?, labels = ?, updated_at = ? WHERE id = ?')
      .run(name, JSON.stringify(labels), Date.now(), id);
  }

  setCheckpoint(id: string, checkpointId: string): void {
    this.#database
      .prepare('UPDATE agents SET checkpoint_id = ?, updated_at = ? WHERE id = ?')
      .run(checkpointId, Date.now(), id);
  }

  count(): number {
    const { count } = this.#database.prepare('SELECT count(*) AS count FROM agents').get() as { count: number };
    return count;
  }

  delete(id: string): void {
    this.#database.prepare('DELETE FROM agents WHERE id = ?').run(id);
  }
}

function rowOf(stored: Stored): AgentRow {
  return {
    id: stored.id,
    name: stored.name,
    algorithm: stored.algorithm,
    specId: stored.spec_id === '' ? null : stored.spec_id,
    envKwargs: JSON.parse(stored.env_kwargs),
    observationSpace: JSON.parse(stored.observation_space),
    actionSpace: JSON.parse(stored.action_space),
    hyperparameters: JSON.parse(stored.hyperparameters),
    seed: stored.seed,
    labels: JSON.parse(stored.labels),
    checkpointId: stored.checkpoint_id,
    createdAt: new Date(stored.created_at),
    updatedAt: new Date(stored.updated_at),
  };
}
