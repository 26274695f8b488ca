import type { JsonObject } from '../../contracts/json.ts';
import { accessResponses, jsonContent, pickResponses, response, textContent } from './operation.ts';

const jsonRpc = jsonContent({ type: 'object', description: 'A JSON-RPC 2.0 message.' });
const notAllowed = response('The method is not part of this revision.', jsonRpc);

const protectedResource = (operationId: string, summary: string): JsonObject => ({
  get: {
    operationId,
    tags: ['mcp'],
    summary,
    description: 'Served where the gateway takes JWTs.',
    security: [],
    responses: {
      200: response('Metadata of a protected resource (RFC 9728).', jsonContent({ type: 'object' })),
    },
  },
});

/** The routes of MCP (Streamable HTTP, 2026-07-28 and 2025-11-25), for readers: clients find their own way. */
export const mcpPaths: JsonObject = {
  '/mcp': {
    post: {
      operationId: 'sendMcpMessage',
      tags: ['mcp'],
      summary: 'A message of the Model Context Protocol',
      requestBody: { required: true, content: jsonRpc },
      responses: {
        200: response('The answer, or a stream that ends with it.', {
          ...jsonRpc,
          ...textContent('text/event-stream'),
        }),
        202: { description: 'A notification was taken.' },
        400: response('It is no message, or its headers do not fit it.', jsonRpc),
        404: response('There is no such method.', jsonRpc),
        ...accessResponses,
        ...pickResponses('forbidden'),
      },
    },
    get: {
      operationId: 'openMcpStream',
      tags: ['mcp'],
      summary: 'The stream of notifications that MCP had before 2026-07-28',
      responses: {
        200: response('A stream.', textContent('text/event-stream')),
        405: notAllowed,
        ...accessResponses,
        ...pickResponses('forbidden'),
      },
    },
    delete: {
      operationId: 'endMcpSession',
      tags: ['mcp'],
      summary: 'There are no sessions to end',
      responses: { 405: notAllowed, ...accessResponses, ...pickResponses('forbidden') },
    },
  },
  '/mcp/results/{id}': {
    parameters: [
      {
        name: 'id',
        in: 'path',
        required: true,
        description: 'As the tool named it.',
        schema: { type: 'string' },
      },
    ],
    get: {
      operationId: 'getMcpResult',
      tags: ['mcp'],
      summary: 'A result that was too large for its client, for an hour',
      responses: {
        200: response('The output.', jsonContent({})),
        ...accessResponses,
        ...pickResponses('not_found'),
      },
    },
  },
  '/.well-known/oauth-protected-resource': protectedResource(
    'getProtectedResource',
    'Where tokens for this gateway come from',
  ),
  '/.well-known/oauth-protected-resource/mcp': protectedResource(
    'getProtectedMcp',
    'Where tokens for /mcp come from',
  ),
};
