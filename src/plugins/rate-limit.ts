import rateLimitPlugin, { type FastifyRateLimitStore } from '@fastify/rate-limit';
import fastifyPlugin from 'fastify-plugin';
import { SkillgateError } from '../contracts/errors.ts';
import type { RateCount, RateCounter } from '../contracts/stores.ts';

export interface RateLimitOptions {
  /** Requests that one caller may make in a window. */
  readonly max: number;
  readonly windowMs: number;
  /** Where all gateways count together; undefined where each counts for itself. */
  readonly counter: RateCounter | undefined;
  /** What happens while they cannot: each counts for itself (`local`), or nobody is let in (`refuse`). */
  readonly fallback: 'local' | 'refuse';
}

/** When a caller may try again whose requests could not be counted, in milliseconds. */
const uncountedRetryMs = 1000;

/** So many requests a caller and window; probes are nobody's and are not counted. */
export const rateLimit = fastifyPlugin<RateLimitOptions>(
  async (app, { max, windowMs, counter, fallback }) => {
    // Said once a route: a list of exceptions would be asked at every call.
    app.addHook('onRoute', (route) => {
      if (route.config?.public) route.config = { ...route.config, rateLimit: false };
    });
    await app.register(rateLimitPlugin, {
      max,
      timeWindow: windowMs,
      ...(counter && { store: storeOver(counter, fallback === 'local' ? localCounter() : undefined) }),
      hook: 'preValidation',
      keyGenerator: (request) => request.caller.id,
      enableDraftSpec: true,
      errorResponseBuilder: (_request, context) =>
        new SkillgateError('rate_limited', `More than ${context.max} requests in ${windowMs} ms.`, {
          retryAfterMs: context.ttl,
        }),
    });
  },
  { name: 'rate-limit', dependencies: ['authentication'] },
);

type CountLocally = (caller: string, windowMs: number) => RateCount;

/** The store that the plugin makes itself, over counters that are there already. */
function storeOver(counter: RateCounter, local: CountLocally | undefined) {
  async function count(caller: string, windowMs: number): Promise<RateCount> {
    const counted = (await counter.count(caller, windowMs)) ?? local?.(caller, windowMs);
    if (counted !== undefined) return counted;
    throw new SkillgateError('overloaded', 'Requests cannot be counted at the moment, since Redis is away.', {
      retryAfterMs: uncountedRetryMs,
    });
  }

  return class SharedStore implements FastifyRateLimitStore {
    incr(...[caller, callback, windowMs]: Parameters<FastifyRateLimitStore['incr']>): void {
      count(caller, windowMs).then(
        (counted) => callback(null, { current: counted.count, ttl: counted.resetMs }),
        (error: Error) => callback(error),
      );
    }

    child(): FastifyRateLimitStore {
      return this;
    }
  };
}

/** Counts in this process, for as long as the others cannot be asked. */
function localCounter(): CountLocally {
  let windows = new Map<string, { count: number; readonly endsAt: number }>();
  let sweptAt = performance.now();
  return (caller, windowMs) => {
    const now = performance.now();
    if (now - sweptAt > windowMs) {
      windows = new Map([...windows].filter(([, { endsAt }]) => endsAt > now));
      sweptAt = now;
    }
    const known = windows.get(caller);
    const window = known && known.endsAt > now ? known : { count: 0, endsAt: now + windowMs };
    window.count += 1;
    windows.set(caller, window);
    return { count: window.count, resetMs: Math.ceil(window.endsAt - now) };
  };
}
