import type { Config } from '../config/load-config.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { CredentialSource, Transport } from '../contracts/transport.ts';
import { openTransports } from '../gateway.ts';
import type { Ask } from '../importers/ask.ts';
import { kindNames } from '../importers/discover.ts';
import { ImportError } from '../importers/import-error.ts';
import { importServer } from '../importers/import-server.ts';
import { knownFormats } from '../skills/validator.ts';
import { UsageError } from './exit-code.ts';
import type { ImportOptions, Source } from './import-options.ts';

/** How long a server may take for one answer, in milliseconds: metadata is at hand, or the server is not up. */
const answerMs = 5000;
const connectTimeouts = { connect_ms: 3000, tls_ms: 3000 };

/**
 * Reads what a server tells of its models, over the gateway's own ways: the same proxies and certificates, and the same
 * refusal of metadata addresses.
 *
 * @throws ImportError with a text for people
 * @throws UsageError where the variable with the token is not set
 */
export async function readServer(
  url: string,
  config: Config,
  { model = [], all = false, tokenEnv }: ImportOptions,
): Promise<Source> {
  const credentials = tokenEnv === undefined ? undefined : bearer(tokenEnv, config);
  const transports = await openTransports(config);
  try {
    const ask = createAsk(transports.for({ timeouts: connectTimeouts, credentials }));
    const { discovery, skills, omissions } = await importServer(url, {
      ask,
      models: model,
      all,
      knownFormats,
    });
    return { kind: kindNames[discovery.kind], tried: discovery.tried, skills, omissions };
  } catch (error) {
    // A server that answered a moment ago, and does no longer.
    if (error instanceof SkillgateError) throw new ImportError(error.message);
    throw error;
  } finally {
    await transports.close();
  }
}

function createAsk(transport: Transport): Ask {
  return async (url, body) => {
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      timeout.abort(
        new SkillgateError('upstream_timeout', `There was no answer within ${answerMs / 1000} s.`),
      );
    }, answerMs);
    try {
      const response = await transport.exchange({
        method: body === undefined ? 'GET' : 'POST',
        url,
        headers: {
          accept: 'application/json',
          'user-agent': 'skillgate',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: timeout.signal,
      });
      return { status: response.status, body: parse(response.body) };
    } finally {
      clearTimeout(timer);
    }
  };
}

/** An answer that is no JSON is one of another kind of server. */
function parse(body: Buffer): JsonValue | undefined {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function bearer(name: string, config: Config): CredentialSource {
  const token = config.secret(name);
  if (token === undefined) throw new UsageError(`the variable ${name}, which --token-env names, is not set`);
  return { authorization: () => `Bearer ${token}`, renew: async () => false };
}
