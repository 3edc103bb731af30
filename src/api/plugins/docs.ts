// Swagger UI at /docs, from files of the package alone: it works without the internet.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fp from 'fastify-plugin';
import type { Contract } from '../contract.ts';

export const DOCS_PREFIX = '/docs';

/** Swagger UI sets style attributes from its scripts, and nothing else that is inline. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' data:; object-src 'none'; style-src 'self' 'unsafe-inline'";

export const docs = fp<{ readonly contract: Contract }>(
  async (app, { contract }) => {
    await app.register(swagger, {
      mode: 'static',
      specification: { document: structuredClone(contract.document) as never },
    });
    await app.register(swaggerUi, {
      routePrefix: DOCS_PREFIX,
      staticCSP: CONTENT_SECURITY_POLICY,
      uiConfig: {
        docExpansion: 'list',
        deepLinking: true,
        persistAuthorization: true,
        // The badge would send the document to validator.swagger.io.
        validatorUrl: null,
      },
      theme: { title: 'Gymserve' },
    });
    // Whoever opens the address that the server prints sees what there is.
    app.get('/', { schema: { hide: true } }, (_, reply) => reply.redirect(DOCS_PREFIX));
  },
  { name: 'gymserve-docs' },
);
