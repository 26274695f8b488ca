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

/** Lets the calls under way end before the port is given up, as load balancers need some time to look elsewhere. */
export const gracefulClose = fastifyPlugin(
  async (app) => {
    const draining = new AbortController();
    let underWay = 0;
    let announceIdle: () => void = () => undefined;

    app.addHook('onRequest', (_request, reply, done) => {
      underWay += 1;
      if (draining.signal.aborted) reply.header('connection', 'close');
      reply.raw.once('close', () => {
        underWay -= 1;
        if (underWay === 0) announceIdle();
      });
      done();
    });

    app.decorate('isDraining', () => draining.signal.aborted);
    app.decorate('drainSignal', draining.signal);
    app.decorate('closeGracefully', async (graceMs: number) => {
      const cutOff = setTimeout(() => {
        announceIdle();
        app.server.closeAllConnections();
      }, graceMs);
      draining.abort();
      if (underWay > 0) {
        await new Promise<void>((resolve) => {
          announceIdle = resolve;
        });
      }
      await app.close();
      clearTimeout(cutOff);
    });
  },
  { name: 'graceful-close' },
);
