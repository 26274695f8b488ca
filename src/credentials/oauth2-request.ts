import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  clientCredentialsGrantRequest,
  customFetch,
  processClientCredentialsResponse,
  ResponseBodyError,
} from 'oauth4webapi';
import { SkillgateError } from '../contracts/errors.ts';
import type { Transport } from '../contracts/transport.ts';

/** A client at an identity provider, as a definition names it. */
export interface OAuth2Client {
  readonly tokenUrl: URL;
  readonly clientId: string;
  /** Reads the secret as it is now. */
  readonly secret: () => string;
  /** How the secret is sent: in the `Authorization` header or in the body (RFC 6749, section 2.3.1). */
  readonly clientAuth: 'basic' | 'post';
  readonly scope: string | undefined;
  readonly audience: string | undefined;
}

/** A token as the identity provider gave it. */
export interface IssuedToken {
  readonly accessToken: string;
  /** How long it is good, in seconds, where the provider says so. */
  readonly expiresInS: number | undefined;
}

/** Why there is no token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  /** Whether the same request may go well a moment later. */
  readonly temporary: boolean;

  constructor(reason: string, temporary: boolean, cause?: unknown) {
    super(reason, { cause });
    this.temporary = temporary;
  }
}

/** How much of a provider's own words a caller gets to read, in characters. */
const maxReason = 300;

/**
 * Asks for a token once (RFC 6749, section 4.4). The way there is the transport's, with its checks of what is dialled.
 *
 * @throws TokenError
 */
export async function requestToken(
  client: OAuth2Client,
  transport: Pick<Transport, 'exchange'>,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const { tokenUrl, clientId, clientAuth } = client;
  const server = { issuer: tokenUrl.origin, token_endpoint: tokenUrl.href };
  const registered = { client_id: clientId };
  const authentication = clientAuth === 'post' ? ClientSecretPost : ClientSecretBasic;
  try {
    const response = await clientCredentialsGrantRequest(
      server,
      registered,
      authentication(client.secret()),
      parametersOf(client),
      {
        signal,
        // Whether http: will do is for whoever writes the definition, as it is with the model server.
        [allowInsecureRequests]: true,
        [customFetch]: (_url, { method, headers, body }) =>
          exchange(transport, { method, url: tokenUrl, headers, body: body.toString(), signal }),
      },
    );
    const {
      access_token: accessToken,
      token_type: type,
      expires_in: expiresInS,
    } = await processClientCredentialsResponse(server, registered, response);
    if (type !== 'bearer') throw new TokenError(`gave a token of type ${type}, not Bearer`, false);
    return { accessToken, expiresInS };
  } catch (error) {
    throw toTokenError(error);
  }
}

function parametersOf({ scope, audience }: OAuth2Client): Record<string, string> {
  return { ...(scope !== undefined && { scope }), ...(audience !== undefined && { audience }) };
}

/** What the library can make something of: a token, or a refusal that says why. */
async function exchange(
  transport: Pick<Transport, 'exchange'>,
  request: Parameters<Transport['exchange']>[0],
): Promise<Response> {
  const { status, headers, body } = await transport.exchange(request);
  const busy = status === 408 || status === 429 || status >= 500;
  if (busy || (status !== 200 && status < 400)) throw new TokenError(`answered ${status}`, busy);
  // Not `WWW-Authenticate`, for which the library would leave the body's reason unread.
  const type = headers['content-type'];
  return new Response(new Uint8Array(body), {
    status,
    headers: typeof type === 'string' ? { 'content-type': type } : {},
  });
}

function toTokenError(error: unknown): TokenError {
  if (error instanceof TokenError) return error;
  if (error instanceof ResponseBodyError) {
    const { error: code, error_description: description, status } = error;
    const said = description === undefined ? code : `${code}, ${description}`;
    return new TokenError(`answered ${status}: ${onOneLine(said)}`, false, error);
  }
  if (error instanceof SkillgateError) {
    // Asking again does no harm, whatever became of the request.
    return new TokenError(`cannot be reached: ${error.message}`, error.retryable || error.mayHaveRun, error);
  }
  return new TokenError('gave an answer that is none (RFC 6749, section 5)', true, error);
}

function onOneLine(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .slice(0, maxReason)
    .toWellFormed();
}
