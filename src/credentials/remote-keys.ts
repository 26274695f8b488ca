import { createRemoteJWKSet, customFetch, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import type { Warn } from '../lib/warn.ts';

/** How long the keys' server may take, in milliseconds. */
const defaultTimeoutMs = 5000;
/** From when keys are fetched anew, beside the calls, in milliseconds. */
const refreshAfterMs = 600_000;
/** How long keys are used while their server gives no new ones, in milliseconds. */
const staleAfterMs = 3_600_000;
/** Between two fetches for keys that nobody has heard of: anybody can make up a `kid`. In milliseconds. */
const unknownKeyCooldownMs = 10_000;
/** How long a server that failed is left alone, in milliseconds. */
export const failureCooldownMs = 2000;

/** The keys could not be fetched: whether a token is good cannot be told. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/**
 * The public keys behind a URL (RFC 7517). They are fetched at the first token, again beside the calls when they are
 * ten minutes old, and again when a token names a key that is not among them. A failure is reported as
 * `jwks_fetch_failed`.
 *
 * @throws KeysUnavailable from the function that it returns, where there are no keys
 */
export function createRemoteKeys(url: URL, warn: Warn, timeoutMs = defaultTimeoutMs): JWTVerifyGetKey {
  let retryAtMs = 0;

  const fetchKeys: FetchImplementation = async (address, options) => {
    if (Date.now() < retryAtMs) throw new KeysUnavailable('The last fetch has just failed');
    try {
      const response = await fetch(address, options);
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`${url.host} answered ${response.status}`);
      }
      // Read and looked at here, so that a broken, endless or strange body counts as a failed fetch.
      const set: unknown = await response.json();
      if (!isKeySet(set)) throw new Error(`${url.host} answered with something else than a JWK Set`);
      return Response.json(set);
    } catch (cause) {
      retryAtMs = Date.now() + failureCooldownMs;
      warn('jwks_fetch_failed', cause);
      throw new KeysUnavailable('The keys could not be fetched', { cause });
    }
  };

  const keys = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    cooldownDuration: unknownKeyCooldownMs,
    cacheMaxAge: staleAfterMs,
    [customFetch]: fetchKeys,
  });

  let refreshAtMs = 0;
  return (header, token) => {
    if (Date.now() >= refreshAtMs) {
      refreshAtMs = Date.now() + refreshAfterMs;
      if (keys.jwks() !== undefined) {
        // fetchKeys has reported the failure; the keys at hand serve until the next try.
        keys.reload().catch(() => {
          refreshAtMs = Date.now() + unknownKeyCooldownMs;
        });
      }
    }
    return keys(header, token);
  };
}

/** RFC 7517, section 5. */
function isKeySet(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('keys' in value)) return false;
  return Array.isArray(value.keys) && value.keys.every((key) => typeof key === 'object' && key !== null);
}
