// 405 with Allow. Fastify answers a wrong method with 404, so the methods that a path lacks are routes too.
import { METHODS } from 'node:http';
import fp from 'fastify-plugin';
import { DomainError } from '../../errors.ts';
import type { Contract } from '../contract.ts';

export const methodNotAllowed = fp<{ readonly contract: Contract }>(
  async (app, { contract }) => {
    // Node 20 to 26 do not all know the same ones, and Fastify routes none of WebDAV's by itself.
    for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
    const methods = app.supportedMethods.filter((method) => METHODS.includes(method));
    for (const [url, allowed] of allowedByUrl(contract)) {
      const allow = [...allowed].join(', ');
      app.route({
        url,
        method: methods.filter((method) => !allowed.has(method)),
        // HEAD is in the list by itself where GET is.
        exposeHeadRoute: false,
        // In onRequest, so that a body is neither read nor judged.
        onRequest: async (request, reply) => {
          reply.header('allow', allow);
          throw new DomainError('method_not_allowed', `${request.method} does nothing here; use ${allow}.`);
        },
        handler: async () => {},
      });
    }
  },
  { name: 'gymserve-method-not-allowed' },
);

function allowedByUrl({ operations }: Contract): Map<string, Set<string>> {
  const allowed = new Map<string, Set<string>>();
  for (const { url, method } of operations) {
    const methods = allowed.get(url) ?? new Set();
    methods.add(method);
    if (method === 'GET') methods.add('HEAD');
    allowed.set(url, methods);
  }
  return allowed;
}
