// An answer that nobody reads would be held for good. Counted from when it is sent: a call may wait its turn for as long as it does, and
// a stream has its heartbeat. Once an answer is out, Node sets the limit of idle connections in place of this one.
import fp from 'fastify-plugin';

export const unreadAnswers = fp<{ readonly limitMs: number }>(
  async (app, { limitMs }) => {
    app.addHook('onSend', ({ raw }, _reply, _payload, done) => {
      // Requests that are injected have none that could be waited for.
      if ('setTimeout' in raw.socket) raw.socket.setTimeout(limitMs);
      done();
    });
  },
  { name: 'gymserve-unread-answers' },
);
