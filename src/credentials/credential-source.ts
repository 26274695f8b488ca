import { DefinitionError } from '../contracts/definition-error.ts';
import type { SkillAuth } from '../contracts/skill-definition.ts';
import type { CredentialSource } from '../contracts/transport.ts';
import type { OAuth2Tokens } from './oauth2.ts';
import type { Signer } from './signer.ts';

/** What a skill's credentials are made of. */
export interface CredentialContext {
  /** The name of the skill, for the error. */
  readonly skill: string;
  readonly auth: SkillAuth;
  /** The origin of the model server (RFC 6454), such as `https://gpu-1.example:8501`. */
  readonly origin: string;
  /** Reads a secret that a skill names; undefined where there is none. Read again at every call. */
  readonly secret: (name: string) => string | undefined;
  /** The tokens of identity providers. */
  readonly oauth2: OAuth2Tokens;
  /** What signs JWTs, where the gateway has a key. */
  readonly signer: Signer | undefined;
}

/** A skill asks for credentials that the gateway does not have. */
export class CredentialError extends DefinitionError {
  override readonly name = 'CredentialError';

  constructor(skill: string, pointer: string, reason: string, cause?: unknown) {
    super(pointer, `skill ${skill}: ${reason}`, cause);
  }
}

/**
 * Makes what a skill presents to its model server: nothing, a bearer token (RFC 6750), a user name and password
 * (RFC 7617), a JWT that the gateway signs or a token that an identity provider gives.
 *
 * @throws CredentialError where a variable is missing or cannot stand in a header, or where there is no key to sign
 *   with
 */
export function createCredentialSource(context: CredentialContext): CredentialSource {
  const { auth } = context;
  switch (auth.type) {
    case 'none':
      return noCredentials;
    case 'bearer':
      return createSecretSource(context, 'token_env', auth.token_env, bearerHeader);
    case 'basic':
      return createSecretSource(context, 'password_env', auth.password_env, (password) =>
        basicHeader(auth.username, password),
      );
    case 'jwt':
      if (context.signer === undefined) {
        throw new CredentialError(
          context.skill,
          '/auth/type',
          'auth.type is jwt, and neither UPSTREAM_JWT_SECRET nor UPSTREAM_JWT_PRIVATE_KEY is set',
        );
      }
      return context.signer.credentials(auth.audience ?? context.origin);
    case 'oauth2':
      return createOAuth2Source(context, auth);
  }
}

function createOAuth2Source(
  context: CredentialContext,
  auth: Extract<SkillAuth, { readonly type: 'oauth2' }>,
): CredentialSource {
  const tokenUrl = URL.parse(auth.token_url);
  if (tokenUrl === null || tokenUrl.username !== '' || tokenUrl.password !== '') {
    throw new CredentialError(
      context.skill,
      '/auth/token_url',
      'auth.token_url has to be a whole URL, without a user or a password',
    );
  }
  const secret = createSecretReader(context, 'client_secret_env', auth.client_secret_env);
  secret.read();
  return context.oauth2.credentials(
    {
      tokenUrl,
      clientId: auth.client_id,
      secret: secret.read,
      clientAuth: auth.client_auth ?? 'basic',
      scope: auth.scope,
      audience: auth.audience,
    },
    auth.client_secret_env,
  );
}

const noCredentials: CredentialSource = {
  authorization: () => undefined,
  renew: async () => false,
};

/** RFC 6750, section 2.1, and what servers take beyond it: visible ASCII. */
function bearerHeader(token: string): string | undefined {
  return /^[\x21-\x7e]+$/.test(token) ? `Bearer ${token}` : undefined;
}

/** RFC 7617, section 2, with UTF-8: no control characters. */
function basicHeader(username: string, password: string): string | undefined {
  const credentials = `${username}:${password}`;
  return /\p{Cc}/u.test(credentials) ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;
}

/** Reads the secret that a field of `auth` names. */
function createSecretReader({ skill, secret }: CredentialContext, field: string, variable: string) {
  const fault = (reason: string, cause?: unknown) =>
    new CredentialError(skill, `/auth/${field}`, `auth.${field} names ${variable}, ${reason}`, cause);

  function read(): string {
    let text: string | undefined;
    try {
      text = secret(variable);
    } catch (error) {
      throw fault(`which cannot be read: ${error instanceof Error ? error.message : error}`, error);
    }
    if (text === undefined) throw fault(`which is not set, and neither is ${variable}_FILE`);
    return text;
  }

  return { read, fault };
}

/** Presents a secret for as long as it is the same. A file behind it may change; then what it holds now is presented. */
function createSecretSource(
  context: CredentialContext,
  field: string,
  variable: string,
  toHeader: (text: string) => string | undefined,
): CredentialSource {
  const { read, fault } = createSecretReader(context, field, variable);

  function headerOf(text: string): string {
    const header = toHeader(text);
    if (header === undefined) throw fault('whose value has characters that the header cannot carry');
    return header;
  }

  let text = read();
  let header = headerOf(text);
  function authorization(): string {
    const textNow = read();
    if (textNow !== text) {
      header = headerOf(textNow);
      text = textNow;
    }
    return header;
  }
  return {
    authorization,
    renew: async (refused) => authorization() !== refused,
  };
}
