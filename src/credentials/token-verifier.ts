import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Caller } from '../contracts/caller.ts';
import { SkillgateError } from '../contracts/errors.ts';
import { failureCooldownMs, KeysUnavailable } from './remote-keys.ts';

/** What a token of a caller has to be. */
export interface TokenRules {
  /** The key that verifies a token with this header. */
  readonly keys: JWTVerifyGetKey;
  /** The `alg` values that are taken (RFC 8725, section 3.1): never the token's own word alone. */
  readonly algorithms: readonly string[];
  readonly audience: string;
  readonly issuer: string | undefined;
}

/** How far clocks may be apart, in seconds (FAPI 2.0 takes tokens from up to 10 s ahead). */
const clockToleranceS = 10;
/** How long a verified token is taken without verifying it again, in milliseconds. */
const rememberMs = 60_000;
const rememberedTokens = 4096;

/**
 * Verifies JWTs of callers (RFC 7519, RFC 8725): signature, `alg`, `aud`, `iss`, `exp`, `nbf`. `exp` and `sub` have to
 * be there. The scopes `skill:NAME` and `skill:*` in `scope` or `scp` say which skills the token covers.
 *
 * @returns a function from a token and its SHA-256 to its caller: at once where the token was verified a moment ago.
 *   It throws a SkillgateError `unauthenticated`, or `internal` where the keys cannot be fetched.
 */
export function createTokenVerifier(
  rules: TokenRules,
): (token: string, digest: string) => Caller | Promise<Caller> {
  const remembered = new LRUCache<string, { readonly caller: Caller; readonly untilMs: number }>({
    max: rememberedTokens,
  });
  const options: JWTVerifyOptions = {
    algorithms: [...rules.algorithms],
    audience: rules.audience,
    ...(rules.issuer !== undefined && { issuer: rules.issuer }),
    requiredClaims: ['exp', 'sub'],
    clockTolerance: clockToleranceS,
  };

  async function verify(token: string, digest: string): Promise<Caller> {
    const payload = await verifiedPayload(token, rules.keys, options).catch((error: unknown) => {
      throw refusal(error);
    });
    const caller = callerOf(payload);
    const expiresMs = (payload.exp ?? 0) * 1000;
    remembered.set(digest, { caller, untilMs: Math.min(Date.now() + rememberMs, expiresMs) });
    return caller;
  }

  return (token, digest) => {
    const known = remembered.get(digest);
    return known !== undefined && Date.now() < known.untilMs ? known.caller : verify(token, digest);
  };
}

/** A token without `kid` may fit several keys of a set: then one of them has to verify it. */
async function verifiedPayload(
  token: string,
  keys: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (miss) {
        if (!(miss instanceof errors.JWSSignatureVerificationFailed)) throw miss;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function callerOf({ sub, scope, scp }: JWTPayload): Caller {
  if (typeof sub !== 'string' || sub === '') {
    throw new SkillgateError('unauthenticated', "The token's claim sub is not a text.");
  }
  const granted = [scope, scp]
    .flat()
    .flatMap((part) => (typeof part === 'string' ? part.split(' ') : []))
    .filter((part) => part.startsWith('skill:'))
    .map((part) => part.slice('skill:'.length));
  // The prefix keeps a subject, which others choose, from being the name of one of our API keys.
  return { id: `jwt:${sub}`, skills: granted.includes('*') ? '*' : new Set(granted) };
}

/** What a caller may read of a refusal: enough to mend the token, and nothing of what would have been right. */
const refusals: Readonly<Record<string, string>> = {
  [errors.JWTExpired.code]: 'The token has expired.',
  [errors.JOSEAlgNotAllowed.code]: 'The token is signed with an algorithm that is not taken here.',
  [errors.JWSSignatureVerificationFailed.code]: "The token's signature does not fit.",
  [errors.JWKSNoMatchingKey.code]: 'The token is signed with a key that is not known here.',
};

function refusal(error: unknown): SkillgateError {
  if (error instanceof KeysUnavailable) {
    // The token may be good, so a 401 would send its owner for a new one in vain.
    const detail = 'The keys that verify tokens cannot be fetched at the moment.';
    return new SkillgateError('internal', detail, { cause: error, retryAfterMs: failureCooldownMs });
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const fault = error.reason === 'missing' ? 'is missing' : 'does not fit';
    return new SkillgateError('unauthenticated', `The token's claim ${error.claim} ${fault}.`, {
      cause: error,
    });
  }
  if (error instanceof errors.JOSEError) {
    const detail = refusals[error.code] ?? 'The token is no JWT that can be verified here.';
    return new SkillgateError('unauthenticated', detail, { cause: error });
  }
  return new SkillgateError('internal', 'The token could not be verified.', { cause: error });
}
