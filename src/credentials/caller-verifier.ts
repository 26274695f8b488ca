import { createSecretKey, hash } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';
import type { Caller } from '../contracts/caller.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { Secret } from '../lib/secret.ts';
import type { Warn } from '../lib/warn.ts';
import { createApiKeyVerifier } from './api-key.ts';
import { createRemoteKeys } from './remote-keys.ts';
import { createTokenVerifier, type TokenRules } from './token-verifier.ts';

/** The part of the configuration that says who may call. */
export interface CallerSettings {
  readonly authApiKeys: Secret | undefined;
  readonly authJwtJwksUrl: URL | undefined;
  readonly authJwtSecret: Secret | undefined;
  readonly authJwtIssuer: string | undefined;
  readonly authJwtAudience: string | undefined;
}

/**
 * Finds the caller behind what was presented: an API key, or a JWT.
 *
 * @throws SkillgateError `unauthenticated`, or `internal` where it cannot be told; thrown or as a rejection
 */
export type VerifyCaller = (presented: string) => Caller | Promise<Caller>;

/**
 * Makes the verifier that the configuration asks for.
 *
 * @param warn told when the keys of AUTH_JWT_JWKS_URL cannot be fetched
 * @returns undefined where no credentials are configured
 * @throws TypeError where tokens are taken of any audience; RangeError where the API keys are not of their form
 */
export function createCallerVerifier(settings: CallerSettings, warn: Warn): VerifyCaller | undefined {
  const rules = tokenRules(settings, warn);
  const findByKey = settings.authApiKeys && createApiKeyVerifier(settings.authApiKeys);
  const verifyToken = rules && createTokenVerifier(rules);
  if (findByKey === undefined && verifyToken === undefined) return undefined;

  return (presented) => {
    const digest = hash('sha256', presented);
    const caller = findByKey?.(digest);
    if (caller !== undefined) return caller;
    if (verifyToken !== undefined && isCompactJws(presented)) return verifyToken(presented, digest);
    throw new SkillgateError(
      'unauthenticated',
      verifyToken === undefined ? 'The API key is not known.' : 'What was presented is no key and no token.',
    );
  };
}

function tokenRules(settings: CallerSettings, warn: Warn): TokenRules | undefined {
  const {
    authJwtJwksUrl: url,
    authJwtSecret: secret,
    authJwtAudience: audience,
    authJwtIssuer: issuer,
  } = settings;
  if (url === undefined && secret === undefined) return undefined;
  if (audience === undefined) throw new TypeError('AUTH_JWT_AUDIENCE is needed where tokens are taken');
  if (url !== undefined) {
    const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
    return { keys: createRemoteKeys(url, warn), algorithms, audience, issuer };
  }
  return secret && { keys: sharedKey(secret), algorithms: ['HS256'], audience, issuer };
}

function sharedKey(secret: Secret): JWTVerifyGetKey {
  return () => createSecretKey(Buffer.from(secret.read()));
}

/** Three parts of base64url with dots between them (RFC 7515, section 7.1). */
function isCompactJws(text: string): boolean {
  return /^[\w-]+\.[\w-]*\.[\w-]*$/.test(text);
}
