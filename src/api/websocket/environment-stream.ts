// GET /v1/environments/{environment_id}/ws: the handshake, and its refusals.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../../errors.ts';
import type { Operation } from '../contract.ts';
import { requireIds } from '../dispatch.ts';
import { requireOrigin } from '../origin.ts';
import { InvalidRequest, quote } from '../problem.ts';
import type { EnvironmentsService } from '../services.ts';
import { routeSchemaOf } from '../validation.ts';
import { EnvironmentSocket } from './environment-socket.ts';
import { FORMATS, SUB_PROTOCOLS, type SubProtocol } from './frame-format.ts';
import type { StreamCalls } from './stream-calls.ts';
import { keyIn, offeredProtocols } from './sub-protocols.ts';
import { Upgrades } from './upgrades.ts';

export interface StreamOptions {
  readonly operation: Operation;
  readonly environments: EnvironmentsService;
  readonly calls: StreamCalls;
  readonly maxFrameBytes: number;
  /** Origins of pages that may use it, beside the server's own. */
  readonly allowedOrigins: readonly string[];
}

export function routeStream(app: FastifyInstance, options: StreamOptions): void {
  const { operation, environments, calls, allowedOrigins } = options;
  const upgrades = new Upgrades(app, { protocols: SUB_PROTOCOLS, maxFrameBytes: options.maxFrameBytes });
  app.route({
    method: operation.method,
    url: operation.url,
    schema: routeSchemaOf(operation),
    onRequest: async (request) => requireIds(request),
    handler: async (request, reply) => {
      const { environment_id: id } = request.params as { readonly environment_id: string };
      environments.get(id);
      requireOrigin(request.headers, allowedOrigins);
      if (!upgrades.has(request)) throw notWebSocket();
      const format = FORMATS[subProtocolOf(request)];
      upgrades.accept(request, reply, (socket) => {
        const { id: requestId, url, log } = request;
        EnvironmentSocket.open(socket, { environments, calls, id, format, requestId, url, log });
      });
      return reply;
    },
  });
}

/** Throws `InvalidRequest` where the client offers only others. */
function subProtocolOf({ headers }: FastifyRequest): SubProtocol {
  const offered = offeredProtocols(headers);
  const chosen = SUB_PROTOCOLS.find((protocol) => offered.includes(protocol));
  if (chosen !== undefined) return chosen;
  if (offered.length === 0) return SUB_PROTOCOLS[0] as SubProtocol;
  const names = offered.filter((protocol) => keyIn([protocol]) === null).join(', ');
  throw new InvalidRequest(
    `The offered sub-protocols are ${quote(names)}; offer ${SUB_PROTOCOLS.join(' or ')}${names === '' ? ' beside the key' : ''}.`,
  );
}

function notWebSocket(): DomainError {
  return new DomainError(
    'upgrade_required',
    'This path speaks WebSocket alone; connect with a WebSocket client, or step over HTTP with POST.',
  );
}
