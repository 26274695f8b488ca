import { errorTable } from '../../contracts/errors.ts';
import type { JsonObject } from '../../contracts/json.ts';

/** The schemas that several routes share. */
export const sharedSchemas: JsonObject = {
  Problem: {
    type: 'object',
    description: 'An error (RFC 9457).',
    required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
    properties: {
      type: { type: 'string', description: '`urn:skillgate:error:` and the code.' },
      title: { type: 'string', description: 'What the code means.' },
      status: { type: 'integer', description: 'The HTTP status.' },
      detail: { type: 'string', description: 'What happened this time, for people and for Claude.' },
      code: { type: 'string', enum: Object.keys(errorTable), description: 'Stable, for programs.' },
      request_id: { type: 'string', description: "The id under which the gateway's log has the rest." },
      errors: {
        type: 'array',
        description: 'Where a value did not fit its schema.',
        items: {
          type: 'object',
          required: ['pointer', 'keyword', 'message'],
          properties: {
            pointer: { type: 'string', description: 'JSON Pointer (RFC 6901) to the faulty place.' },
            keyword: { type: 'string', description: 'The JSON Schema keyword that was not met.' },
            message: { type: 'string', description: 'What has to be there.' },
          },
        },
      },
    },
  },
  Skill: {
    type: 'object',
    description: 'A skill as Claude should see it.',
    required: ['name', 'version', 'description', 'input_schema', 'output_schema', 'endpoint'],
    properties: {
      name: { type: 'string' },
      version: { type: 'string', description: 'Semantic version.' },
      title: { type: 'string' },
      description: { type: 'string', description: 'What it does and when to use it.' },
      tags: { type: 'array', items: { type: 'string' } },
      annotations: { type: 'object', description: 'Hints as MCP has them.' },
      input_schema: { type: 'object', description: 'JSON Schema 2020-12.' },
      output_schema: { type: 'object', description: 'JSON Schema 2020-12.' },
      endpoint: {
        type: 'object',
        required: ['url', 'method'],
        properties: { url: { type: 'string' }, method: { type: 'string' } },
      },
      examples: { type: 'array', items: { type: 'object' } },
    },
  },
  Readiness: {
    type: 'object',
    required: ['state', 'reason', 'since'],
    properties: {
      state: { type: 'string', enum: ['ready', 'loading', 'not_ready', 'unreachable', 'gpu_exhausted'] },
      reason: { type: 'string', description: 'What the model server said.' },
      since: { type: 'string', format: 'date-time' },
      gpu: {
        type: 'object',
        properties: {
          index: { type: 'string' },
          uuid: { type: 'string' },
          total_mib: { type: 'number' },
          free_mib: { type: 'number' },
        },
      },
    },
  },
  GatewayReadiness: {
    type: 'object',
    required: ['status'],
    properties: {
      status: { type: 'string', enum: ['ready', 'waiting_for_models', 'shutting_down'] },
      skills: { type: 'array', items: { type: 'object' }, description: 'With `?verbose`.' },
    },
  },
};

/** The headers that several responses share. */
export const sharedHeaders: JsonObject = {
  'X-Request-Id': {
    schema: { type: 'string' },
    description: "The call's id, taken from the request or made.",
  },
  'Cache-Status': {
    schema: { type: 'string' },
    description: 'Whether the answer came from memory (RFC 9211): `skillgate; hit`, `skillgate; fwd=miss`.',
  },
  'Server-Timing': {
    schema: { type: 'string' },
    description: 'Milliseconds that the model took (`upstream`), and the whole call (`total`).',
  },
  'Retry-After': { schema: { type: 'integer' }, description: 'When to come back, in seconds.' },
};

/** How a caller says who it is. */
export const securitySchemes: JsonObject = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key or a JWT.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key.' },
};
