import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../lib/secret.ts';
import { type PublicJwk, readSigningKey, type SigningAlgorithm } from '../lib/signing-key.ts';
import type { Warn } from '../lib/warn.ts';

/** A key as the signer uses it. */
export interface RingKey {
  readonly algorithm: SigningAlgorithm;
  readonly key: KeyObject;
  /** What verifies the signatures; absent for a shared secret. */
  readonly publicJwk?: PublicJwk;
}

/** The key that signs now, and the public halves of those that signed a while ago. */
export interface KeyRing {
  /** The same object as long as the key's text is the same. */
  current(): RingKey;
  /** Public keys with which a token that is still good may have been signed, the current one first. */
  publicKeys(): readonly PublicJwk[];
}

export interface KeyRingOptions {
  /** The text of the key, which may change while the process runs. */
  readonly source: Secret;
  /** @throws RangeError where the text is no key */
  readonly read: (text: string) => RingKey;
  /** How long the public half of a replaced key is still shown, in milliseconds. */
  readonly retainMs: number;
  readonly warn: Warn;
}

/** An HS256 key (RFC 7518, section 3.2). */
export function readSharedKey(text: string): RingKey {
  return { algorithm: 'HS256', key: createSecretKey(Buffer.from(text)) };
}

/**
 * A private key, of the algorithm that is due.
 *
 * @throws RangeError where the text is no private key, or one for another algorithm
 */
export function readPrivateKey(text: string, due: SigningAlgorithm | undefined): RingKey {
  const { algorithm, privateKey, publicJwk } = readSigningKey(text);
  if (due !== undefined && due !== algorithm) {
    throw new RangeError(`UPSTREAM_JWT_ALG is ${due}, and the key is one for ${algorithm}`);
  }
  return { algorithm, key: privateKey, publicJwk };
}

/**
 * Follows a key that may be replaced. A text that is no key is reported as `signing_key_refused`, and the key before
 * it goes on signing.
 *
 * @throws RangeError where the first text is no key
 */
export function createKeyRing({ source, read, retainMs, warn }: KeyRingOptions): KeyRing {
  let text = source.read();
  let key = read(text);
  let retired: { readonly jwk: PublicJwk; readonly untilMs: number }[] = [];

  function replace(next: RingKey): void {
    if (key.publicJwk !== undefined) retired.push({ jwk: key.publicJwk, untilMs: Date.now() + retainMs });
    key = next;
  }

  function current(): RingKey {
    const textNow = source.read();
    if (textNow !== text) {
      text = textNow;
      try {
        replace(read(text));
      } catch (error) {
        warn('signing_key_refused', error);
      }
    }
    return key;
  }

  return {
    current,
    publicKeys() {
      const { publicJwk } = current();
      if (publicJwk === undefined) return [];
      retired = retired.filter(({ jwk, untilMs }) => untilMs > Date.now() && jwk.kid !== publicJwk.kid);
      return [publicJwk, ...retired.map(({ jwk }) => jwk)];
    },
  };
}
