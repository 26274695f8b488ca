import { environmentVariable } from './common.ts';

/** JSON Schema of `auth`. */
export const auth = {
  description: 'What the gateway presents to the model server. Secrets are named by environment variable.',
  default: { type: 'none' },
  type: 'object',
  required: ['type'],
  oneOf: [
    {
      type: 'object',
      title: 'None',
      required: ['type'],
      additionalProperties: false,
      properties: { type: { const: 'none', description: 'Nothing is presented.' } },
    },
    {
      type: 'object',
      title: 'JWT signed by the gateway',
      required: ['type'],
      additionalProperties: false,
      properties: {
        type: { const: 'jwt', description: 'A short-lived JWT that the gateway signs (UPSTREAM_JWT_*).' },
        audience: { type: 'string', description: "The `aud` claim; without it the model server's origin." },
      },
    },
    {
      type: 'object',
      title: 'Bearer token',
      required: ['type', 'token_env'],
      additionalProperties: false,
      properties: {
        type: { const: 'bearer', description: 'A fixed token.' },
        token_env: { ...environmentVariable, description: 'The environment variable that holds the token.' },
      },
    },
    {
      type: 'object',
      title: 'Basic',
      required: ['type', 'username', 'password_env'],
      additionalProperties: false,
      properties: {
        type: { const: 'basic', description: 'User name and password (RFC 7617).' },
        username: { type: 'string', pattern: '^[^:]*$', description: 'The user name, without a colon.' },
        password_env: {
          ...environmentVariable,
          description: 'The environment variable that holds the password.',
        },
      },
    },
    {
      type: 'object',
      title: 'OAuth 2.0 client credentials',
      required: ['type', 'token_url', 'client_id', 'client_secret_env'],
      additionalProperties: false,
      properties: {
        type: {
          const: 'oauth2',
          description: 'A token that an identity provider gives the gateway (RFC 6749, section 4.4).',
        },
        token_url: {
          type: 'string',
          pattern: '^https?://',
          description:
            'The token endpoint of the identity provider. https://, unless it is on this machine or in a network that you trust.',
        },
        client_id: { type: 'string', minLength: 1, description: 'The name of the gateway there.' },
        client_secret_env: {
          ...environmentVariable,
          description: 'The environment variable that holds the secret.',
        },
        client_auth: {
          type: 'string',
          enum: ['basic', 'post'],
          description:
            'How name and secret are sent: in the Authorization header, as unless said otherwise, or in the body.',
        },
        scope: {
          type: 'string',
          minLength: 1,
          description: 'The scopes to ask for, with blanks between them.',
        },
        audience: {
          type: 'string',
          minLength: 1,
          description: 'Whom the token is for, where the provider asks.',
        },
      },
    },
  ],
} as const;
