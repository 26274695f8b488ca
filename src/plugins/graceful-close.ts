import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import fastifyPlugin from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the gateway is on its way out: it ends what it has and wants nothing new. */
    readonly isDraining: () => boolean;
    /** Aborts at that moment: streams that would never end by themselves have to end then. */
    readonly drainSignal: AbortSignal;
    /**
     * Closes in three steps: /readyz turns to 503 and answers close their connections, while whoever has not noticed is
     * still served; when no call is under way, the port is given up; after `graceMs` milliseconds what is left is cut off.
     */
    readonly closeGracefully: (graceMs: number) => Promise<void>;
  }
}

/** Between two looks at the connections that are left, in milliseconds. */
const lookEveryMs = 50;

/** Lets the calls under way end before the port is given up, as load balancers need some time to look elsewhere. */
export const gracefulClose = fastifyPlugin(
  async (app) => {
    const draining = new AbortController();

    app.addHook('onRequest', (_request, reply, done) => {
      if (draining.signal.aborted) reply.header('connection', 'close');
      done();
    });

    /** Looks at the connections rather than counting calls, which would cost each of them something. */
    async function untilIdle(untilAt: number): Promise<void> {
      const countConnections = promisify(app.server.getConnections.bind(app.server));
      while (performance.now() < untilAt) {
        app.server.closeIdleConnections();
        if ((await countConnections()) === 0) return;
        await pause(lookEveryMs);
      }
    }

    app.decorate('isDraining', () => draining.signal.aborted);
    app.decorate('drainSignal', draining.signal);
    app.decorate('closeGracefully', async (graceMs: number) => {
      draining.abort();
      await untilIdle(performance.now() + graceMs);
      app.server.closeAllConnections();
      await app.close();
    });
  },
  { name: 'graceful-close' },
);
