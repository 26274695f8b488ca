import { createPrivateKey, createPublicKey, hash, type KeyObject, type webcrypto } from 'node:crypto';

/** The algorithms with which the gateway signs (RFC 7518, RFC 8037). */
export const signingAlgorithms = ['HS256', 'RS256', 'ES256', 'EdDSA'] as const;

export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** A public key as others see it (RFC 7517), with its thumbprint as `kid`, and with `alg` and `use`. */
export interface PublicJwk extends webcrypto.JsonWebKey {
  readonly kid: string;
}

/** A private key, ready to sign, with the half of it that others may see. */
export interface SigningKey {
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicJwk: PublicJwk;
}

/**
 * Reads a private key. The algorithm follows from its type: RSA signs RS256, P-256 ES256, Ed25519 EdDSA.
 *
 * @param pem PKCS#8 PEM, not encrypted; `\n` may stand for a line break, as environment files write it
 * @throws RangeError with the reason, which quotes nothing of the key
 */
export function readSigningKey(pem: string): SigningKey {
  const privateKey = parsePem(pem.includes('\n') ? pem : pem.replaceAll('\\n', '\n'));
  const algorithm = algorithmOf(privateKey);
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  return { algorithm, privateKey, publicJwk: { ...jwk, kid: thumbprint(jwk), alg: algorithm, use: 'sig' } };
}

function parsePem(pem: string): KeyObject {
  if (!pem.includes('-----BEGIN ')) throw new RangeError('it is no PEM');
  if (pem.includes('ENCRYPTED')) throw new RangeError('the key is encrypted');
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new RangeError('there is no private key in it', { cause });
  }
}

function algorithmOf(key: KeyObject): SigningAlgorithm {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256';
  if (key.asymmetricKeyType !== 'rsa') {
    throw new RangeError(`a key of type ${namedCurve ?? key.asymmetricKeyType} does not serve here`);
  }
  // RFC 7518, section 3.3.
  if (modulusLength < 2048) throw new RangeError(`an RSA key of ${modulusLength} bits is too short`);
  return 'RS256';
}

/** The members that RFC 7638, section 3.2, and RFC 8037 hash, in their order. */
const thumbprintMembers: Readonly<Record<string, readonly (keyof webcrypto.JsonWebKey)[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
};

/** The thumbprint of a public key (RFC 7638, SHA-256). */
function thumbprint(jwk: webcrypto.JsonWebKey): string {
  const members = thumbprintMembers[jwk.kty ?? ''] ?? [];
  return hash(
    'sha256',
    JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]]))),
    'base64url',
  );
}
