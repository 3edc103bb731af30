import { DomainError } from '../../errors.ts';
import { fileHeaders } from '../download.ts';
import { created, GONE, type Handlers, json } from '../operation.ts';
import { listOf, pageQueryOf } from '../page.ts';
import type { EnvironmentsService } from '../services.ts';
import {
  checkToWire,
  createEnvironmentFromWire,
  environmentToWire,
  resetFromWire,
  resetToWire,
  rolloutFromWire,
  rolloutToWire,
  sampledToWire,
  stepFromWire,
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

    resetEnvironment: async ({ params, body }) =>
      json(200, resetToWire(await environments.reset(params.environment_id, resetFromWire(body)))),

    stepEnvironment: async ({ params, body }) =>
      json(200, stepToWire(await environments.step(params.environment_id, stepFromWire(body)))),

    sampleAction: async ({ params }) =>
      json(200, sampledToWire(await environments.sampleAction(params.environment_id))),

    renderEnvironment: async ({ params, query: { index, ...options }, prefers }) => {
      const { renderMode } = environments.get(params.environment_id);
      const types = ['image/png', 'text/plain'] as const;
      const type = prefers(renderMode === 'ansi' ? types.toReversed() : types);
      if (type === 'text/plain') {
        const body = await environments.renderText(params.environment_id, index ?? null);
        return { status: 200, type, body };
      }
      const request = { index: index ?? null, options };
      return { status: 200, type: 'image/png', body: await environments.render(params.environment_id, request) };
    },

    rollOutEnvironment: async ({ params, body, accepts, prefers }) => {
      const animated = body.render !== undefined || accepts === ANIMATION;
      if (animated && prefers([ANIMATION]) === null) throw noAnimation();
      const reply = await environments.rollout(params.environment_id, rolloutFromWire(body, animated));
      if ('animation' in reply) return { status: 200, type: ANIMATION, body: reply.animation };
      return json(200, rolloutToWire(reply));
    },

    getEnvironmentState: async ({ params }) => {
      const { file, sha256 } = await environments.snapshot(params.environment_id);
      const headers = fileHeaders(sha256, `${params.environment_id}.safetensors`);
      return { status: 200, type: 'application/octet-stream', headers, body: file };
    },

    putEnvironmentState: async ({ params, body }) =>
      json(200, environmentToWire(await environments.restore(params.environment_id, body))),

    checkEnvironment: async ({ params, body }) =>
      json(200, checkToWire(await environments.check(params.environment_id, body))),
  } satisfies Partial<Handlers>;
}

const ANIMATION = 'image/apng';

function noAnimation(): DomainError {
  const detail = `"render" asks for an animation, which Accept does not take; accept ${ANIMATION}, or leave "render" out.`;
  return new DomainError('not_acceptable', detail);
}
