import Fastify, { type FastifyInstance } from 'fastify';
import { type Jobs, openJobs } from './assemble-jobs.ts';
import type { Config } from './config/load-config.ts';
import type { Logger } from './contracts/logger.ts';
import { createCallerVerifier } from './credentials/caller-verifier.ts';
import { batch } from './entrypoints/batch.ts';
import { catalog } from './entrypoints/catalog.ts';
import { docsPage } from './entrypoints/docs-page.ts';
import { exportsEntrypoint } from './entrypoints/exports.ts';
import { jobs as jobRoutes } from './entrypoints/jobs.ts';
import { jwksEntrypoint } from './entrypoints/jwks.ts';
import { keptResults } from './entrypoints/mcp/kept-results.ts';
import { mcp } from './entrypoints/mcp/mcp.ts';
import { createTaskHost } from './entrypoints/mcp/task-host.ts';
import { createToolHost } from './entrypoints/mcp/tool-host.ts';
import { probes } from './entrypoints/probes.ts';
import { requestIdOf } from './entrypoints/request-context.ts';
import { resourceMetadata } from './entrypoints/resource-metadata.ts';
import { skills } from './entrypoints/skills.ts';
import { createSkillExports } from './exports/skill-exports.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { parseExactJson } from './lib/exact-json.ts';
import { authentication } from './plugins/authentication.ts';
import { createClientErrorHandler } from './plugins/client-errors.ts';
import { answerUnroutable, errors, faultOfHost } from './plugins/errors.ts';
import { gracefulClose } from './plugins/graceful-close.ts';
import { jsonBody } from './plugins/json-body.ts';
import { createMetrics, metricsRoute } from './plugins/metrics.ts';
import { rateLimit } from './plugins/rate-limit.ts';
import { createMemoryResults } from './stores/memory-results.ts';
import { version } from './version.ts';

/** How long a result that was too large for its client can be fetched, in milliseconds. */
const resultTtlMs = 3_600_000;
/** What such results may take in memory together, in bytes. */
const keptResultBytes = 64 * 1024 ** 2;

export interface AppOptions {
  readonly config: Config;
  readonly logger: Logger;
}

/** The gateway with HTTP in front of it. */
export interface App {
  readonly gateway: Gateway;
  readonly jobs: Jobs;
  readonly http: FastifyInstance;
  /** Listens, and follows the skills folder from then on. Gives the address, such as `http://127.0.0.1:8080`. */
  listen(): Promise<string>;
  /**
   * Turns /readyz to 503, lets the calls under way end, and gives the port up.
   *
   * @param graceMs after so many milliseconds what is left is cut off
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Makes the whole application.
 *
 * @throws SkillsError where a definition has faults, JobBackendError where jobs cannot be kept
 */
export async function createApp({ config, logger }: AppOptions): Promise<App> {
  const metrics = createMetrics();
  const gateway = await createGateway({ config, logger, metrics });
  const jobs = await openJobs({ config, logger, gateway }).catch(async (error: unknown) => {
    await gateway.close();
    throw error;
  });
  metrics.watchJobs(() => jobs.backend.counts(), warn(logger));
  if (config.jobConcurrency > 0) jobs.startWorker();

  const http = Fastify({
    // One log line a call is the invoker's; the framework's own would be two more.
    logger: false,
    bodyLimit: config.bodyLimitBytes,
    requestTimeout: config.requestTimeoutMs,
    genReqId: requestIdOf,
    trustProxy: config.trustProxy ?? false,
    http: {
      // Node swaps the two limits when the one on the headers is the longer.
      headersTimeout: config.requestTimeoutMs,
      // Node would refuse those without in its own words.
      requireHostHeader: false,
      connectionsCheckingInterval: Math.min(config.requestTimeoutMs, 5000),
    },
    return503OnClosing: false,
    frameworkErrors: answerUnroutable,
    clientErrorHandler: createClientErrorHandler({
      logger,
      requestTimeoutMs: config.requestTimeoutMs,
      newRequestId: () => requestIdOf({ headers: {} }),
    }),
  });
  http.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done(faultOfHost(request));
  });
  await http.register(gracefulClose);
  await http.register(errors, { logger });
  await http.register(jsonBody);
  await http.register(authentication, {
    verify: createCallerVerifier(config, warn(logger)),
    host: config.host,
    hasResourceMetadata: takesTokens(config),
  });
  if (config.rateLimitMax > 0) {
    await http.register(rateLimit, {
      max: config.rateLimitMax,
      windowMs: config.rateLimitWindowMs,
      counter: gateway.shared?.rateCounter,
      fallback: config.rateLimitFallback,
    });
  }
  await http.register(metricsRoute, { metrics });
  await http.register(probes, { catalog: gateway.catalog, isDraining: http.isDraining });
  await http.register(jwksEntrypoint, { jwks: () => gateway.signer?.jwks() ?? { keys: [] } });
  await http.register(catalog, { catalog: gateway.catalog });
  await http.register(skills, { invoker: gateway.invoker, jobs: jobs.service });
  await http.register(jobRoutes, { service: jobs.service });
  await http.register(batch, { invoker: gateway.invoker });
  await http.register(exportsEntrypoint, {
    catalog: gateway.catalog,
    exports: createSkillExports(version),
  });
  await http.register(docsPage);
  const results = createMemoryResults({ maxBytes: keptResultBytes, ttlMs: resultTtlMs });
  await http.register(keptResults, { results });
  const host = createToolHost({ ...gateway, results, resultTtlMs });
  await http.register(mcp, {
    host,
    tasks: createTaskHost({ host, jobs: jobs.service, keepMs: config.jobResultTtlMs, logger }),
    identity: { name: 'skillgate', version },
    logger,
    bodyLimit: config.bodyLimitBytes,
    onChange: gateway.onChange,
    drainSignal: http.drainSignal,
    parseJson: parseExactJson,
  });
  if (takesTokens(config)) await http.register(resourceMetadata, { issuer: config.authJwtIssuer });

  return {
    gateway,
    jobs,
    http,
    async listen() {
      const address = await http.listen({ host: config.host, port: config.port });
      gateway.watch();
      return address;
    },
    async close(graceMs = config.shutdownGraceMs) {
      await Promise.all([jobs.stop(graceMs), http.closeGracefully(graceMs)]);
      await jobs.close();
      await gateway.close();
    },
  };
}

/** Whether callers may present JWTs, which come from somewhere else. */
function takesTokens({ authJwtJwksUrl, authJwtSecret }: Config): boolean {
  return authJwtJwksUrl !== undefined || authJwtSecret !== undefined;
}

function warn(logger: Logger) {
  return (event: string, error: unknown) => logger.warn({ err: error }, event);
}
