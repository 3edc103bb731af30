import { DomainError } from '../../errors.ts';
import type { Contract } from '../contract.ts';
import { type Handlers, json } from '../operation.ts';
import type { MetricsService, ServerService } from '../services.ts';

/** Of the contract: limits that stand there alone. */
interface LimitingSchemas {
  readonly NumEnvs: { readonly maximum: number };
  readonly RollOutEnvironment: { readonly properties: { readonly steps: { readonly maximum: number } } };
}

export function systemRoutes(server: ServerService, metrics: MetricsService, contract: Contract) {
  const { NumEnvs, RollOutEnvironment } = (contract.document['components'] as { schemas: LimitingSchemas }).schemas;
  return {
    getHealth: async () => json(200, { status: 'ok' }),

    getReadiness: async () => {
      if (!server.ready())
        throw new DomainError('not_ready', 'The server is starting or draining; ask again in a second.');
      return json(200, { status: 'ok' });
    },

    getMetrics: async () => ({ status: 200, type: 'text/plain', body: await metrics.text() }),

    getOpenapiYaml: async () => ({ status: 200, type: 'application/yaml', body: contract.text }),

    getOpenapiJson: async () => json(200, contract.document),

    getServer: async () => {
      const { version, engines, limits, use } = await server.info();
      return json(200, {
        object: 'server',
        version,
        engines: engines.map(({ name, available, reason, remedy }) => ({ name, available, reason, remedy })),
        limits: {
          environments: limits.environments,
          sub_environments: NumEnvs.maximum,
          rollout_steps: RollOutEnvironment.properties.steps.maximum,
          step_timeout_s: limits.stepTimeoutMs === 0 ? null : limits.stepTimeoutMs / 1000,
          running_jobs: limits.runningJobs,
          queued_jobs: limits.queuedJobs,
          job_memory_bytes: limits.jobMemoryBytes,
          body_bytes: limits.bodyBytes,
          file_bytes: limits.fileBytes,
        },
        use: {
          environments: use.environments,
          agents: use.agents,
          running_jobs: use.runningJobs,
          queued_jobs: use.queuedJobs,
          paused_jobs: use.pausedJobs,
        },
      });
    },
  } satisfies Partial<Handlers>;
}
