// What HTTP needs of each service: its public methods, so that tests can put others in their place.
import type { Agents } from '../services/agents.ts';
import type { Backups } from '../services/backups.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { Checkpoints } from '../services/checkpoints.ts';
import type { Environments } from '../services/environments.ts';
import type { Idempotency } from '../services/idempotency.ts';
import type { Jobs } from '../services/jobs.ts';
import type { Metrics } from '../services/metrics.ts';
import type { Replays } from '../services/replays.ts';
import type { Server } from '../services/server.ts';
import type { Transitions } from '../services/transitions.ts';

export type MetricsService = Pick<Metrics, 'request' | 'text'>;
export type ServerService = Pick<Server, 'info' | 'ready'>;
export type CatalogueService = Pick<Catalogue, 'envSpecs' | 'envSpec' | 'wrappers' | 'algorithms' | 'algorithm'>;
export type EnvironmentsService = Pick<
  Environments,
  | 'create'
  | 'list'
  | 'get'
  | 'delete'
  | 'attach'
  | 'detach'
  | 'reset'
  | 'step'
  | 'rollout'
  | 'sampleAction'
  | 'render'
  | 'renderText'
  | 'snapshot'
  | 'restore'
  | 'check'
>;
export type AgentsService = Pick<
  Agents,
  'create' | 'list' | 'get' | 'update' | 'delete' | 'act' | 'policyModel' | 'restore'
>;
export type CheckpointsService = Pick<
  Checkpoints,
  'create' | 'import' | 'list' | 'listOfAgent' | 'get' | 'content' | 'delete'
>;
export type ReplaysService = Pick<Replays, 'file'>;
export type TransitionsService = Pick<Transitions, 'add'>;
export type JobsService = Pick<
  Jobs,
  | 'train'
  | 'learn'
  | 'evaluate'
  | 'list'
  | 'get'
  | 'wait'
  | 'cancel'
  | 'pause'
  | 'resume'
  | 'delete'
  | 'events'
  | 'subscribe'
  | 'logs'
  | 'metrics'
>;
export type BackupsService = Pick<Backups, 'create' | 'list' | 'get' | 'delete'>;
export type IdempotencyService = Pick<Idempotency, 'once'>;

export interface Services {
  readonly server: ServerService;
  readonly metrics: MetricsService;
  readonly catalogue: CatalogueService;
  readonly environments: EnvironmentsService;
  readonly agents: AgentsService;
  readonly checkpoints: CheckpointsService;
  readonly jobs: JobsService;
  readonly replays: ReplaysService;
  readonly transitions: TransitionsService;
  readonly backups: BackupsService;
  readonly idempotency: IdempotencyService;
}
