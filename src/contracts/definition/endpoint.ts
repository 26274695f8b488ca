/** JSON Schema of `endpoint`. */
export const endpoint = {
  type: 'object',
  description: 'Where the model is, and how it is spoken to.',
  required: ['url'],
  additionalProperties: false,
  properties: {
    protocol: {
      type: 'string',
      default: 'http',
      description:
        'What the model server speaks. `http` sends the input as a JSON body and takes the answer as output.',
    },
    url: {
      type: 'string',
      minLength: 1,
      description:
        'The model server: http(s)://, or grpc(s):// where the protocol speaks it; a file: path relative to this definition for an embedded model.',
    },
    method: {
      type: 'string',
      enum: ['POST', 'PUT', 'PATCH', 'GET'],
      default: 'POST',
      description: 'HTTP method, for protocol `http`. With GET the input becomes the query string.',
    },
    headers: {
      type: 'object',
      default: {},
      additionalProperties: { type: 'string' },
      description: 'Fixed request headers. No secrets here: see `auth`.',
    },
    model: { type: 'string', minLength: 1, description: 'The name of the model on its server.' },
    model_version: {
      type: 'string',
      minLength: 1,
      description: 'The version of the model on its server; without it the server chooses.',
    },
    options: { type: 'object', default: {}, description: 'What only this protocol knows.' },
    request: {
      type: 'string',
      minLength: 1,
      description: 'A JSONata expression that makes the request body out of the skill input.',
    },
    response: {
      type: 'string',
      minLength: 1,
      description:
        'A JSONata expression that makes the skill output out of the response body. `$input` is the skill input.',
    },
  },
} as const;
