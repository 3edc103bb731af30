// The HTTP server of the contract: openapi.yaml in, services behind, a Fastify instance out. Listens on nothing by itself.
import { setMaxListeners } from 'node:events';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { fastifyOpenapiGlue } from 'fastify-openapi-glue';
import type { KeyRing } from '../api-keys.ts';
import { type Contract, loadContract, type Operation } from './contract.ts';
import { type AnyHandler, routeOf } from './dispatch.ts';
import type { Handlers } from './operation.ts';
import { auth } from './plugins/auth.ts';
import { browser } from './plugins/browser.ts';
import { DOCS_PREFIX, docs } from './plugins/docs.ts';
import { errors, refuseMalformed, sendProblem } from './plugins/errors.ts';
import { fileBody } from './plugins/file-body.ts';
import { jsonBody } from './plugins/json-body.ts';
import { methodNotAllowed } from './plugins/method-not-allowed.ts';
import { msgpackBody } from './plugins/msgpack-body.ts';
import { ownPages } from './plugins/own-pages.ts';
import { rateLimit } from './plugins/rate-limit.ts';
import { requestId, requestIdOf } from './plugins/request-id.ts';
import { requestMetrics } from './plugins/request-metrics.ts';
import { SSE_DEFAULTS, type SseOptions } from './plugins/sse.ts';
import { unreadAnswers } from './plugins/unread-answers.ts';
import { loggedRequest, RequestLog } from './request-log.ts';
import { agentRoutes } from './routes/agents.ts';
import { backupRoutes } from './routes/backups.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { checkpointRoutes } from './routes/checkpoints.ts';
import { environmentRoutes } from './routes/environments.ts';
import { jobRoutes } from './routes/jobs.ts';
import { systemRoutes } from './routes/system.ts';
import type { Services } from './services.ts';
import { createValidators, routeSchemaOf } from './validation.ts';
import { validationProblem } from './validation-problem.ts';
import { routeStream } from './websocket/environment-stream.ts';
import { StreamCalls } from './websocket/stream-calls.ts';
import { wantsWebSocket } from './websocket/upgrades.ts';

export interface AppOptions {
  readonly services: Services;
  /** Null = open to everybody. */
  readonly auth: KeyRing | null;
  /** null = silent. */
  readonly logger: FastifyBaseLogger | LoggerOptions | null;
  readonly bodyLimitBytes?: number;
  /** A connection is closed where nothing of an answer is read for so long; five minutes where absent. */
  readonly unreadLimitMs?: number;
  readonly sse?: Partial<SseOptions>;
  /** Origins whose pages may call the API and open WebSockets, beside the server's own. */
  readonly allowedOrigins?: readonly string[];
  /** Whether a server without keys may be called by any name, not only by one of this machine's own; false where absent. */
  readonly anyHost?: boolean;
  /** Proxies, by address or subnet, whose X-Forwarded-For says who asks; none where absent. */
  readonly trustedProxies?: readonly string[];
  /** Requests a minute of one key or address; 0, as where absent, = as many as come. */
  readonly rateLimitPerMinute?: number;
}

/** For Fastify's own logger; without `stream` it writes to standard output. */
interface LoggerOptions {
  readonly level: string;
  readonly stream?: { write(line: string): void };
}

export const DEFAULT_BODY_LIMIT_BYTES = 1 << 20;
/** For a request to arrive whole; how long its answer takes is another matter. */
const REQUEST_TIMEOUT_MS = 60_000;
const UNREAD_LIMIT_MS = 300_000;

/** An option of Node 24.9 that older types lack. */
const UPGRADES = { shouldUpgradeCallback: wantsWebSocket } as object;

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { services } = options;
  const contract = loadContract();
  const operations = new Map(contract.operations.map((operation) => [operation.operationId, operation]));
  const handlers = {
    ...systemRoutes(services.server, services.metrics, contract),
    ...catalogueRoutes(services.catalogue),
    ...environmentRoutes(services.environments),
    ...agentRoutes(services.agents, services.checkpoints, services.jobs, services.transitions),
    ...checkpointRoutes(services.checkpoints, services.replays),
    ...jobRoutes(services.jobs, { ...SSE_DEFAULTS, ...options.sse }),
    ...backupRoutes(services.backups),
  } satisfies Handlers;

  const app: FastifyInstance = Fastify({
    ...loggerOf(options.logger),
    logController: new RequestLog(),
    bodyLimit: options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES,
    trustProxy: [...(options.trustedProxies ?? [])],
    genReqId: requestIdOf,
    frameworkErrors: sendProblem,
    // Whoever sends a byte a minute would hold a connection for good.
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Fastify's own 503 is no problem document; what still arrives while the server closes is answered as ever.
    return503OnClosing: false,
    http: { requireHostHeader: false, ...UPGRADES },
    clientErrorHandler: refuseMalformed,
  });

  // No operation of this method has a body, so none is read: it could be neither too large nor of the wrong type.
  app.addHttpMethod('DELETE', { hasBody: false, overrideExisting: true });

  const validators = createValidators(contract.document);
  app.setValidatorCompiler(({ schema, httpPart }) => validators.compile(schema as object, httpPart));
  app.setSchemaErrorFormatter(validationProblem);

  // Long waits and streams end when the server does.
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  app.addHook('preClose', async () => closing.abort());

  const openUrls = new Set(contract.operations.filter(({ open }) => open).map(({ url }) => url));
  const isOpen = (route: string) => openUrls.has(route) || route === DOCS_PREFIX || route.startsWith(`${DOCS_PREFIX}/`);

  // Whoever watches over the server asks again and again, and must get its answer.
  const freeUrls = new Set(contract.operations.filter(({ responses }) => !responses.has(429)).map(({ url }) => url));
  const isFree = (route: string) => freeUrls.has(route);

  await app.register(requestId);
  await app.register(unreadAnswers, { limitMs: options.unreadLimitMs ?? UNREAD_LIMIT_MS });
  await app.register(errors);
  await app.register(browser, { allowedOrigins: options.allowedOrigins ?? [] });
  await app.register(requestMetrics, { metrics: services.metrics, contract });
  if (options.auth === null) {
    const { allowedOrigins = [], anyHost = false } = options;
    await app.register(ownPages, { allowedOrigins, anyHost, isOpen });
  }
  await app.register(auth, { ring: options.auth, contract, isOpen });
  await app.register(rateLimit, { perMinute: options.rateLimitPerMinute ?? 0, isFree });
  await app.register(jsonBody);
  await app.register(msgpackBody);
  await app.register(fileBody);
  await app.register(docs, { contract });
  useOriginalSchemas(app, operations);
  await app.register(fastifyOpenapiGlue, {
    specification: withoutReplies(contract.document),
    operationResolver: (operationId: string) => {
      const operation = operations.get(operationId);
      if (operation === undefined) throw new Error(`openapi.yaml has no operation ${operationId}.`);
      return routeOf(operation, handlers[operationId as keyof Handlers] as AnyHandler, {
        closing: closing.signal,
        idempotency: services.idempotency,
      }) as never;
    },
  });
  routeStream(app, {
    operation: operations.get('streamEnvironment') as Operation,
    environments: services.environments,
    calls: new StreamCalls(contract, validators, environmentRoutes(services.environments)),
    maxFrameBytes: options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES,
    allowedOrigins: options.allowedOrigins ?? [],
  });
  await app.register(methodNotAllowed, { contract });
  return app;
}

/** The glue would look for body parsers of every media type that replies have. */
function withoutReplies(document: Contract['document']): object {
  const copy = structuredClone(document) as { paths: Record<string, Record<string, { responses?: unknown }>> };
  for (const operation of Object.values(copy.paths).flatMap((item) => Object.values(item))) {
    if (operation.responses !== undefined) operation.responses = { default: { description: 'See openapi.yaml.' } };
  }
  return copy;
}

/** Swaps the glue's dereferenced copies of schemas for references into the document, which may be recursive. */
function useOriginalSchemas(app: FastifyInstance, operations: ReadonlyMap<string, Operation>): void {
  app.addHook('onRoute', (route) => {
    const { operationId } = (route.schema ?? {}) as { operationId?: string };
    const operation = operationId === undefined ? undefined : operations.get(operationId);
    if (operation !== undefined) route.schema = { ...routeSchemaOf(operation), operationId } as never;
  });
}

function loggerOf(logger: AppOptions['logger']) {
  if (logger === null) return { logger: false as const };
  return 'info' in logger ? { loggerInstance: logger } : { logger: { ...logger, serializers: { req: loggedRequest } } };
}
