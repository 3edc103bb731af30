import { created, GONE, type Handlers, json } from '../operation.ts';
import { listOf, pageQueryOf } from '../page.ts';
import type { EnvironmentsService } from '../services.ts';
import {
  createEnvironmentFromWire,
  environmentToWire,
  resetToWire,
  sampledToWire,
  stepToWire,
} from '../wire/environment.ts';

export function environmentRoutes(environments: EnvironmentsService) {
  return {
    createEnvironment: async ({ body }) => {
      const environment = await environments.create(createEnvironmentFromWire(body));
      return created(201, `/v1/environments/${environment.id}`, environmentToWire(environment));
    },

    listEnvironments: async ({ query }) =>
      json(200, listOf(environments.list(pageQueryOf(query, 'env')), environmentToWire)),

    getEnvironment: async ({ params }) => json(200, environmentToWire(environments.get(params.environment_id))),

    deleteEnvironment: async ({ params }) => {
      await environments.delete(params.environment_id);
      return GONE;
    },

    resetEnvironment: async ({ params, body }) => {
      const request = { seed: body.seed ?? null, options: body.options, resetMask: body.reset_mask ?? null };
      return json(200, resetToWire(await environments.reset(params.environment_id, request)));
    },

    stepEnvironment: async ({ params, body }) =>
      json(200, stepToWire(await environments.step(params.environment_id, { ...body, seq: body.seq ?? null }))),

    sampleAction: async ({ params }) =>
      json(200, sampledToWire(await environments.sampleAction(params.environment_id))),

    renderEnvironment: async ({ params, query: { index, ...options } }) => {
      const request = { index: index ?? null, options };
      return { status: 200, type: 'image/png', body: await environments.render(params.environment_id, request) };
    },
  } satisfies Partial<Handlers>;
}
