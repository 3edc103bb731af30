// How long every request took, by the contract's names.
import fp from 'fastify-plugin';
import type { Contract } from '../contract.ts';
import type { MetricsService } from '../services.ts';

/** Pages of the docs, wrong methods, and paths that nobody serves. */
const OTHER = 'other';

export const requestMetrics = fp<{ readonly metrics: MetricsService; readonly contract: Contract }>(
  async (app, { metrics, contract }) => {
    const names = new Map(contract.operations.map(({ method, url, operationId }) => [`${method} ${url}`, operationId]));
    app.addHook('onResponse', (request, reply, done) => {
      const name = names.get(`${request.method} ${request.routeOptions.url}`) ?? OTHER;
      metrics.request(name, reply.statusCode, reply.elapsedTime / 1000);
      done();
    });
  },
  { name: 'gymserve-request-metrics' },
);
