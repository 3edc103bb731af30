// Bodies of MessagePack. Which operations take them is checked before they are read (dispatch.ts).
import fp from 'fastify-plugin';
import { MSGPACK, parseMsgpack } from '../msgpack.ts';

export const msgpackBody = fp(
  async (app) => {
    app.addContentTypeParser(MSGPACK, { parseAs: 'buffer' }, (_request, bytes, done) => {
      try {
        done(null, parseMsgpack(bytes as Buffer));
      } catch (error) {
        done(error as Error, undefined);
      }
    });
  },
  { name: 'gymserve-msgpack-body', dependencies: ['gymserve-json-body'] },
);
