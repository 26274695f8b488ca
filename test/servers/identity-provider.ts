import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { jwtVerify, SignJWT } from 'jose';
import { listen } from './listen.ts';

/** A request for a token, as it came. */
export interface TokenRequest {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

/** An identity provider (RFC 6749, section 4.4) that does as it is told. */
export interface IdentityProvider {
  readonly tokenUrl: string;
  readonly requests: readonly TokenRequest[];
  /** How long an answer takes, in milliseconds. */
  delayMs: number;
  /** How long tokens are good, in seconds; undefined where the provider does not say. */
  expiresInS: number | undefined;
  /** Whether a request, by its number from 1, fails with a 503. */
  fails: (number: number) => boolean;
  /** Answers this from now on, in place of tokens. */
  refusal:
    | { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }
    | undefined;
  /** Signs with another key from now on; what the old one signed is good no more. */
  rotateKey(): void;
  /** Whether a model server would take this `Authorization`. */
  accepts(authorization: string | undefined): Promise<boolean>;
  close(): Promise<void>;
}

const secret = 's3cret: with + odd & characters';

/** The credentials that the provider knows. */
export const knownClient = { id: 'skill gate', secret };

/** Starts the stand-in on a free port of 127.0.0.1. */
export async function startIdentityProvider(): Promise<IdentityProvider> {
  const requests: TokenRequest[] = [];
  let key = newKey();

  async function onRequest(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    requests.push({ authorization: incoming.headers.authorization, form });
    const number = requests.length;
    if (provider.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, provider.delayMs));
    if (provider.fails(number)) {
      response.writeHead(503).end('<h1>Service Unavailable</h1>');
    } else if (provider.refusal) {
      const { status, body, headers = {} } = provider.refusal;
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    } else if (!isKnown(incoming.headers.authorization, form)) {
      response
        .writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="id"' })
        .end(JSON.stringify({ error: 'invalid_client', error_description: 'Client secret\nis wrong' }));
    } else {
      const token = await new SignJWT({ scope: form.scope ?? '' })
        .setProtectedHeader({ alg: 'ES256' })
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime(`${provider.expiresInS ?? 300}s`)
        .sign(key.privateKey);
      const expires = provider.expiresInS === undefined ? {} : { expires_in: provider.expiresInS };
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ access_token: token, token_type: 'Bearer', ...expires }));
    }
  }

  const { port, close } = await listen(createServer(onRequest));
  const provider: IdentityProvider = {
    tokenUrl: `http://127.0.0.1:${port}/token`,
    requests,
    delayMs: 0,
    expiresInS: 300,
    fails: () => false,
    refusal: undefined,
    rotateKey() {
      key = newKey();
    },
    async accepts(authorization = '') {
      const token = authorization.replace(/^Bearer /, '');
      return jwtVerify(token, key.publicKey).then(
        () => true,
        () => false,
      );
    },
    close,
  };
  return provider;
}

function newKey(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function isKnown(authorization: string | undefined, form: Readonly<Record<string, string>>): boolean {
  if (authorization === undefined) {
    return form.client_id === knownClient.id && form.client_secret === knownClient.secret;
  }
  const pair = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
  const [id, given] = pair.split(':').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  return id === knownClient.id && given === knownClient.secret;
}
