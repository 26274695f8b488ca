import type { IncomingHttpHeaders } from 'node:http';
import {
  CLIENT_CAPABILITIES_META_KEY,
  classifyInboundRequest,
  isJsonContentType,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json.ts';
import { coreTasksRevision, type Era, tasksExtension } from './era.ts';

/** A request that can be answered without the SDK's dispatcher. */
export interface DirectRequest {
  readonly era: Era;
  readonly id: string | number;
  readonly progressToken: string | number | undefined;
  /** `traceparent` of the request's `_meta` (2026-07-28). */
  readonly traceparent: string | undefined;
  /** The tool to call; undefined where the tools are to be listed. */
  readonly call: DirectCall | undefined;
  /** Whether the request is of the revision that has tasks in its core. */
  readonly hasCoreTasks: boolean;
}

export interface DirectCall {
  readonly name: string;
  readonly input: JsonObject;
  /** Whether a task may be the answer: has to be in 2025-11-25, can be in 2026-07-28. */
  readonly asTask: boolean;
}

const modernRevision = '2026-07-28';

/**
 * Reads `tools/call` and `tools/list`, the two requests that come often, where nothing at all is out of the ordinary.
 * Whatever is, the SDK answers: it knows every rule and every refusal of both eras.
 *
 * @param body parsed from JSON
 */
export function readDirectRequest(body: JsonValue, headers: IncomingHttpHeaders): DirectRequest | undefined {
  if (!isJsonObject(body) || (body.method !== 'tools/call' && body.method !== 'tools/list')) return undefined;
  if (!isJsonContentType(headers['content-type'] ?? null)) return undefined;
  const accept = headers.accept ?? '';
  if (!accept.includes('application/json') || !accept.includes('text/event-stream')) return undefined;
  const era = eraOf(body, headers);
  if (era === undefined) return undefined;

  const { id, method } = body;
  const params = body.params ?? {};
  if ((typeof id !== 'string' && typeof id !== 'number') || !isJsonObject(params)) return undefined;
  const meta = params._meta ?? {};
  if (!isJsonObject(meta)) return undefined;
  const { progressToken, traceparent } = meta;
  if (progressToken !== undefined && typeof progressToken !== 'string' && typeof progressToken !== 'number') {
    return undefined;
  }
  const hasCoreTasks = era === 'legacy' && headers['mcp-protocol-version'] === coreTasksRevision;
  const request = {
    era,
    id,
    hasCoreTasks,
    progressToken,
    traceparent: typeof traceparent === 'string' ? traceparent : undefined,
  };
  if (method === 'tools/list')
    return params.cursor === undefined ? { ...request, call: undefined } : undefined;

  const { name, arguments: input = {} } = params;
  if (typeof name !== 'string' || !isJsonObject(input)) return undefined;
  if (params.requestState !== undefined || params.inputResponses !== undefined) return undefined;
  if (era === 'modern' && headers['mcp-name'] !== name) return undefined;
  if (hasCoreTasks && !isTaskParameter(params.task)) return undefined;
  const asTask = era === 'modern' ? declaresTasks(meta) : hasCoreTasks && params.task !== undefined;
  return { ...request, call: { name, input, asTask } };
}

/** What a call of 2025-11-25 says of the task that it is to become, if anything. */
function isTaskParameter(task: JsonValue | undefined): boolean {
  return task === undefined || (isJsonObject(task) && ['undefined', 'number'].includes(typeof task.ttl));
}

/** Whether a client of 2026-07-28 takes tasks, by the `_meta` of its request. */
export function declaresTasks(meta: JsonObject): boolean {
  const capabilities = meta[CLIENT_CAPABILITIES_META_KEY];
  const extensions = isJsonObject(capabilities) ? capabilities.extensions : undefined;
  return isJsonObject(extensions) && isJsonObject(extensions[tasksExtension]);
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
