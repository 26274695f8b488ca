import type { CredentialSource, Transport } from '../contracts/transport.ts';
import type { Warn } from '../lib/warn.ts';
import { type OAuth2Client, requestToken } from './oauth2-request.ts';
import { createTokenSource, type TokenSource } from './oauth2-token.ts';

/** The tokens of identity providers (OAuth 2.0 client credentials, RFC 6749, section 4.4), shared by all skills. */
export interface OAuth2Tokens {
  /**
   * What is presented for this client. Skills that name the same one share its tokens.
   *
   * @param secretName the variable that holds the secret: which of two is meant, where providers know one client twice
   */
  credentials(client: OAuth2Client, secretName: string): CredentialSource;
  /** Ends the renewals. */
  close(): void;
}

/**
 * @param transport the way to identity providers, without credentials of its own
 * @param warn told as `oauth2_token_renewal_failed` of a renewal that failed beside the calls
 * @param requestTimeoutMs how long a provider may take for one answer, in milliseconds
 */
export function createOAuth2Tokens(
  transport: Pick<Transport, 'exchange'>,
  warn: Warn,
  requestTimeoutMs = 5000,
): OAuth2Tokens {
  const sources = new Map<string, TokenSource>();
  return {
    credentials(client, secretName) {
      const { tokenUrl, clientId, clientAuth, scope, audience } = client;
      const key = JSON.stringify([tokenUrl.href, clientId, secretName, clientAuth, scope, audience]);
      const known = sources.get(key);
      if (known !== undefined) return known;
      const made = createTokenSource({
        request: (signal) => requestToken(client, transport, signal),
        warn,
        requestTimeoutMs,
      });
      sources.set(key, made);
      return made;
    },
    close() {
      for (const source of sources.values()) source.close();
    },
  };
}
