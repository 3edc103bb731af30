// The other kind of body: a file, as bytes. Which operations take one is checked before it is read (dispatch.ts).
import fp from 'fastify-plugin';

export const fileBody = fp(
  async (app) => {
    app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, bytes, done) => {
      done(null, bytes);
    });
  },
  { name: 'gymserve-file-body', dependencies: ['gymserve-json-body'] },
);
