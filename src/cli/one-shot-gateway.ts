import { randomUUID } from 'node:crypto';
import { loadConfig } from '../config/load-config.ts';
import { gatewayCaller } from '../contracts/caller.ts';
import type { Reply } from '../contracts/invocation.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Skill } from '../contracts/skill.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import { createMetrics } from '../plugins/metrics.ts';
import { createProcessLogger } from './create-logger.ts';
import type { Terminal } from './terminal.ts';

/** How long a command waits for a model that is still loading, in milliseconds. */
const readyWithinMs = 60_000;

const silent = () => undefined;
const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent };

/**
 * Opens the gateway without its HTTP side, for one command, and closes it again. Its log goes to standard error, and
 * is silent unless LOG_LEVEL is set.
 *
 * @throws ConfigError where the environment is faulty, SkillsError where a definition is
 */
export async function withGateway<Result>(
  { env, stderr }: Terminal,
  use: (gateway: Gateway) => Promise<Result>,
): Promise<Result> {
  const config = loadConfig(env, { listens: false });
  const logger = env.LOG_LEVEL ? createProcessLogger(config.logLevel, stderr).logger : silentLogger;
  // One call past the cache has nothing to share.
  const alone = { ...config, redisUrl: undefined };
  const gateway = await createGateway({ config: alone, logger, metrics: createMetrics() });
  try {
    return await use(gateway);
  } finally {
    await gateway.close();
  }
}

/** A call from the command line, and the id under which it was made. */
export interface CommandCall {
  readonly requestId: string;
  readonly reply: Promise<Reply>;
}

/** Calls a skill as the gateway itself, past the cache. */
export function callSkill({ invoker }: Gateway, skill: string, input: JsonValue): CommandCall {
  const requestId = randomUUID();
  const reply = invoker.invoke({
    skill,
    input,
    caller: gatewayCaller,
    source: 'cli',
    requestId,
    cacheDirective: 'no-store',
    signal: new AbortController().signal,
  });
  return { requestId, reply };
}

/** Waits while a model is loading, for at most a minute. The call that follows says what the matter is, if any. */
export async function waitWhileLoading({ readiness }: Skill): Promise<void> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), readyWithinMs);
  try {
    while (readiness.current === undefined || readiness.current.state === 'loading') {
      await readiness.changed(patience.signal);
    }
  } catch (error) {
    if (!patience.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
}
