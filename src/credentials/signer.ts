import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { CredentialSource } from '../contracts/transport.ts';
import type { Secret } from '../lib/secret.ts';
import type { PublicJwk, SigningAlgorithm } from '../lib/signing-key.ts';
import type { Warn } from '../lib/warn.ts';
import { createKeyRing, type KeyRing, type RingKey, readPrivateKey, readSharedKey } from './key-ring.ts';

/** The part of the configuration that signing needs. */
export interface SignerSettings {
  readonly upstreamJwtSecret: Secret | undefined;
  readonly upstreamJwtPrivateKey: Secret | undefined;
  readonly upstreamJwtAlg: SigningAlgorithm | undefined;
  readonly upstreamJwtIssuer: string;
  readonly upstreamJwtTtlS: number;
}

/** Signs the JWTs that the gateway presents to model servers (RFC 7519). */
export interface Signer {
  /** What is presented where this audience is due. Skills with the same audience share their token. */
  credentials(audience: string): CredentialSource;
  /** The public keys that verify the tokens, as a JWK Set (RFC 7517); empty for a shared secret. */
  jwks(): { readonly keys: readonly PublicJwk[] };
}

/** Clocks differ: a token is good from a little before it was made. */
const backdateS = 5;

/** How much of its life a token is used. The rest is for calls under way, and for clocks that are ahead. */
const usedShare = 0.8;

/** A server that refuses a token younger than this, in milliseconds, would refuse the next one as well. */
const minMintIntervalMs = 1000;

/** How much longer than a token lives the key that verifies it is shown, for clocks that are behind. */
const retainSlackS = 60;

/**
 * Makes the signer that the configuration asks for.
 *
 * @param warn told when a key's file has changed and holds no key that serves
 * @returns undefined where there is nothing to sign with
 * @throws RangeError where the key does not serve
 */
export function createSigner(settings: SignerSettings, warn: Warn): Signer | undefined {
  const source = settings.upstreamJwtPrivateKey ?? settings.upstreamJwtSecret;
  if (source === undefined) return undefined;
  const ring = createKeyRing({
    source,
    read: settings.upstreamJwtPrivateKey
      ? (text) => readPrivateKey(text, settings.upstreamJwtAlg)
      : readSharedKey,
    retainMs: (settings.upstreamJwtTtlS + retainSlackS) * 1000,
    warn,
  });
  const sources = new Map<string, CredentialSource>();
  return {
    credentials(audience) {
      const known = sources.get(audience);
      if (known !== undefined) return known;
      const made = createTokenSource(ring, audience, settings);
      sources.set(audience, made);
      return made;
    },
    jwks: () => ({ keys: ring.publicKeys() }),
  };
}

interface Token {
  readonly authorization: string;
  readonly key: RingKey;
  readonly mintedMs: number;
  readonly renewAtMs: number;
}

function createTokenSource(ring: KeyRing, audience: string, settings: SignerSettings): CredentialSource {
  let token: Token | undefined;
  let minting: Promise<string> | undefined;

  async function mint(): Promise<string> {
    const key = ring.current();
    const mintedMs = Date.now();
    const issuedS = Math.floor(mintedMs / 1000) - backdateS;
    const jwt = await sign(key, {
      iss: settings.upstreamJwtIssuer,
      sub: 'skillgate',
      aud: audience,
      iat: issuedS,
      nbf: issuedS,
      exp: issuedS + settings.upstreamJwtTtlS,
      jti: randomUUID(),
    });
    const renewAtMs = (issuedS + settings.upstreamJwtTtlS * usedShare) * 1000;
    token = { authorization: `Bearer ${jwt}`, key, mintedMs, renewAtMs };
    return token.authorization;
  }

  /** However many callers meet an old token, one new one is made. */
  function mintOnce(): Promise<string> {
    minting ??= mint().finally(() => {
      minting = undefined;
    });
    return minting;
  }

  return {
    authorization() {
      if (token !== undefined && Date.now() < token.renewAtMs && token.key === ring.current()) {
        return token.authorization;
      }
      return mintOnce();
    },
    async renew(refused) {
      if (token !== undefined && token.authorization !== refused) return true;
      if (token !== undefined && Date.now() - token.mintedMs < minMintIntervalMs) return false;
      await mintOnce();
      return true;
    },
  };
}

function sign(
  { algorithm, key, publicJwk }: RingKey,
  claims: Record<string, string | number>,
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(publicJwk && { kid: publicJwk.kid }) })
    .sign(key);
}
