import type { IncomingHttpHeaders } from 'node:http';
import {
  classifyInboundRequest,
  isJsonContentType,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import type { JsonObject, JsonValue } from '../../contracts/json.ts';

/** Whether a request is of the stateless revision (2026-07-28) or of one before it. */
export type Era = 'modern' | 'legacy';

/** A request that can be answered without the SDK's dispatcher. */
export interface DirectRequest {
  readonly era: Era;
  readonly id: string | number;
  readonly progressToken: string | number | undefined;
  /** `traceparent` of the request's `_meta` (2026-07-28). */
  readonly traceparent: string | undefined;
  /** The tool to call; undefined where the tools are to be listed. */
  readonly call: { readonly name: string; readonly input: JsonObject } | undefined;
}

const modernRevision = '2026-07-28';

/**
 * Reads `tools/call` and `tools/list`, the two requests that come often, where nothing at all is out of the ordinary.
 * Whatever is, the SDK answers: it knows every rule and every refusal of both eras.
 *
 * @param body parsed from JSON
 */
export function readDirectRequest(body: JsonValue, headers: IncomingHttpHeaders): DirectRequest | undefined {
  if (!isObject(body) || (body.method !== 'tools/call' && body.method !== 'tools/list')) return undefined;
  if (!isJsonContentType(headers['content-type'] ?? null)) return undefined;
  const accept = headers.accept ?? '';
  if (!accept.includes('application/json') || !accept.includes('text/event-stream')) return undefined;
  const era = eraOf(body, headers);
  if (era === undefined) return undefined;

  const { id, method } = body;
  const params = body.params ?? {};
  if ((typeof id !== 'string' && typeof id !== 'number') || !isObject(params)) return undefined;
  const meta = params._meta ?? {};
  if (!isObject(meta)) return undefined;
  const { progressToken, traceparent } = meta;
  if (progressToken !== undefined && typeof progressToken !== 'string' && typeof progressToken !== 'number') {
    return undefined;
  }
  const request = {
    era,
    id,
    progressToken,
    traceparent: typeof traceparent === 'string' ? traceparent : undefined,
  };
  if (method === 'tools/list')
    return params.cursor === undefined ? { ...request, call: undefined } : undefined;

  const { name, arguments: input = {} } = params;
  if (typeof name !== 'string' || !isObject(input)) return undefined;
  if (params.requestState !== undefined || params.inputResponses !== undefined) return undefined;
  if (era === 'modern' && headers['mcp-name'] !== name) return undefined;
  return { ...request, call: { name, input } };
}

function eraOf(body: JsonObject, headers: IncomingHttpHeaders): Era | undefined {
  const version = headers['mcp-protocol-version'];
  const method = headers['mcp-method'];
  if (Array.isArray(version) || Array.isArray(method)) return undefined;
  const outcome = classifyInboundRequest({
    httpMethod: 'POST',
    ...(version !== undefined && { protocolVersionHeader: version }),
    ...(method !== undefined && { mcpMethodHeader: method }),
    body,
  });
  if (outcome.kind === 'modern') {
    // That the headers are there at all is for whoever serves the request to check.
    const isComplete = version === modernRevision && method !== undefined;
    return isComplete && outcome.classification.revision === modernRevision ? 'modern' : undefined;
  }
  const isLegacy = outcome.kind === 'legacy' && outcome.reason === 'no-claim';
  return isLegacy && (version === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(version))
    ? 'legacy'
    : undefined;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
