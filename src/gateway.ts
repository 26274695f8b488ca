import { readFile } from 'node:fs/promises';
import { assembleSkill } from './assemble-skill.ts';
import { ConfigError } from './config/config-error.ts';
import type { Config } from './config/load-config.ts';
import { DefinitionError } from './contracts/definition-error.ts';
import type { SkillInvoker } from './contracts/invocation.ts';
import type { Logger } from './contracts/logger.ts';
import type { CompiledSkill, SkillCatalog } from './contracts/skill.ts';
import { createOAuth2Tokens } from './credentials/oauth2.ts';
import { createSigner, type Signer } from './credentials/signer.ts';
import type { Warn } from './lib/warn.ts';
import { createInvoker } from './pipeline/invoker.ts';
import { warmUp } from './pipeline/warm-up.ts';
import type { Metrics } from './plugins/metrics.ts';
import { createGpuPool } from './policies/gpu-pool.ts';
import { protocols } from './protocols.ts';
import { createGpuReadings } from './readiness/gpu-readings.ts';
import { createGpuSources } from './readiness/gpu-sources.ts';
import type { SkillFault } from './skills/fault.ts';
import { createSkillLoader } from './skills/load.ts';
import { type AssemblyFailure, createRegistry } from './skills/registry.ts';
import { skillsAfterReload } from './skills/reload.ts';
import { watchFolder } from './skills/watch.ts';
import { createMemoryCache } from './stores/memory-cache.ts';
import { openRedisStores, type SharedStores, type SkillForm } from './stores/redis.ts';
import { createTransports, type Transports } from './transport/transports.ts';

export interface GatewayOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Everything behind the entrypoints. */
export interface Gateway {
  readonly invoker: SkillInvoker;
  readonly catalog: SkillCatalog;
  readonly signer: Signer | undefined;
  /** What it has in common with the other gateways, with REDIS_URL. */
  readonly shared: SharedStores | undefined;
  /**
   * Tells after every change of the skills that are served.
   *
   * @returns ends it
   */
  onChange(listener: () => void): () => void;
  /** Follows SKILLS_DIR from now on. */
  watch(): void;
  /** Ends probing and watching, waits for the calls under way, and closes connections. */
  close(): Promise<void>;
}

/** How long identity providers and sources of metrics are given to be reached. */
const serviceTimeouts = { connect_ms: 3000, tls_ms: 5000 };

/** Definitions that cannot be served, each with its file, JSON pointer and reason. */
export class SkillsError extends Error {
  override readonly name = 'SkillsError';
  readonly faults: readonly SkillFault[];

  constructor(faults: readonly SkillFault[]) {
    super(
      faults.map(({ file, pointer, reason }) => `${file}${pointer && `#${pointer}`}: ${reason}`).join('\n'),
    );
    this.faults = faults;
  }
}

/**
 * Loads the skills and puts everything behind the entrypoints together.
 *
 * @throws SkillsError with every fault of every definition
 */
export async function createGateway({ config, logger, metrics }: GatewayOptions): Promise<Gateway> {
  const warn: Warn = (event, error) => logger.warn({ err: error }, event);
  const signer = createSigner(config, warn);
  const transports = await openTransports(config);
  const oauth2 = createOAuth2Tokens(transports.for({ timeouts: serviceTimeouts }), warn);
  const store = createMemoryCache({ maxEntries: config.cacheMaxEntries, maxBytes: config.cacheMaxBytes });
  const gpu = createGpuReadings({ open: createGpuSources(transports.for({ timeouts: serviceTimeouts })) });
  const gpuPools = new Map([...(config.gpuPools ?? [])].map(([name, mib]) => [name, createGpuPool(mib)]));
  const shared =
    config.redisUrl &&
    (await openRedisStores({ url: config.redisUrl, timeoutMs: config.redisTimeoutMs, logger }));
  const forgetAnswers = shared?.invalidation(store.forget);
  const loader = createSkillLoader({ directory: config.skillsDir, protocols });

  const registry = createRegistry({
    assemble: (compiled) =>
      assembleSkill(compiled, {
        config,
        store,
        shared,
        transports,
        signer,
        oauth2,
        gpu,
        gpuPools,
        meterFor: metrics.meterFor,
        onFirstReady: ({ definition }, signal) => void warmUp({ definition, invoker, logger, signal }),
      }),
    onCloseError: ({ compiled }, err) =>
      logger.error({ skill: compiled.definition.name, err }, 'skill_close_failed'),
    // Calls that were under way at the change may have stored answers until now.
    onRetired: ({ compiled }) => void forgetAnswers?.(formOf(compiled)),
  });
  const invoker = createInvoker({ catalog: registry, logger });
  metrics.watch(registry);

  /** @returns the faults that were met; whatever has none is served */
  async function load(): Promise<readonly SkillFault[]> {
    const loaded = await loader.load();
    const running = registry.list().map(({ compiled }) => compiled);
    const next = skillsAfterReload(running, loaded);
    if (forgetAnswers) await Promise.all(outdatedForms(running, next).map(forgetAnswers));
    const failures = registry.apply(next);
    return [...loaded.faults, ...failures.map(toFault)];
  }

  async function reload(): Promise<void> {
    const before = new Set(registry.list());
    const faults = await load();
    for (const fault of faults) logger.error({ ...fault }, 'skill_reload_failed');
    if (faults.length > 0) metrics.reloadFailed();
    const changed = registry.list().filter((skill) => !before.has(skill));
    for (const { compiled } of changed) {
      const { name, version } = compiled.definition;
      logger.info({ skill: name, version, load_seconds: compiled.loadSeconds }, 'skill_loaded');
    }
  }

  const faults = await load();
  if (faults.length > 0) {
    oauth2.close();
    await registry.close();
    await transports.close();
    await shared?.close();
    throw new SkillsError(faults);
  }

  let watching: ReturnType<typeof watchFolder> | undefined;
  return {
    invoker,
    catalog: registry,
    signer,
    shared,
    onChange: registry.onChange,
    watch() {
      watching ??= watchFolder({
        directory: config.skillsDir,
        onChange: reload,
        onError: (err) => logger.error({ err }, 'skills_watch_failed'),
      });
    },
    async close() {
      await watching?.close();
      await registry.close();
      oauth2.close();
      await transports.close();
      await shared?.close();
    },
  };
}

/** Opens the ways to model servers, as the environment has them. */
export async function openTransports(config: Config): Promise<Transports> {
  const read = (path: string | undefined) => (path === undefined ? undefined : readFile(path, 'utf8'));
  const options = {
    allowHosts: config.upstreamAllowHosts,
    ca: await read(config.upstreamCaFile),
    clientCert: await read(config.upstreamClientCertFile),
    clientKey: await read(config.upstreamClientKeyFile),
    tlsInsecure: config.upstreamTlsInsecure,
    httpProxy: config.httpProxy,
    httpsProxy: config.httpsProxy,
    noProxy: config.noProxy,
  };
  try {
    return createTransports(options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const names = 'UPSTREAM_CA_FILE, UPSTREAM_CLIENT_CERT_FILE, UPSTREAM_CLIENT_KEY_FILE';
    throw new ConfigError([{ name: names, reason: `TLS cannot be set up with them: ${error.message}` }]);
  }
}

function toFault({ compiled, error }: AssemblyFailure): SkillFault {
  if (!(error instanceof DefinitionError)) throw error;
  return { file: compiled.file, pointer: error.pointer, reason: error.message };
}

function formOf({ definition, digest }: CompiledSkill): SkillForm {
  return { name: definition.name, digest };
}

/** The forms of skills that are served now and will not be. */
function outdatedForms(
  running: readonly CompiledSkill[],
  next: readonly CompiledSkill[],
): readonly SkillForm[] {
  const staying = new Set(next.map(({ digest }) => digest));
  return running.filter(({ digest }) => !staying.has(digest)).map(formOf);
}
