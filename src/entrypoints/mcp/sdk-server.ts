import {
  type CallToolResult,
  type ListToolsResult,
  ProtocolError,
  ProtocolErrorCode,
  Server,
} from '@modelcontextprotocol/server';
import type { JsonValue } from '../../contracts/json.ts';
import { notifyProgress } from './sdk-progress.ts';
import { offerTasks, type TaskOffer } from './sdk-tasks.ts';
import type { CallOrigin, ToolHost } from './tool-host.ts';
import type { ToolResult } from './tool-result.ts';

/** How the gateway names itself. */
export interface ServerIdentity {
  readonly name: string;
  readonly version: string;
}

const instructions =
  'Each tool is a model that runs on the user’s own machines. When a tool answers with an error, its text begins with a code and lists what was wrong with the input by JSON Pointer: mend the input and call again.';

/**
 * Makes a server of the official SDK, for one exchange or one connection.
 *
 * @param origin who calls, as far as the connection knows; asked again at every request
 * @param offer given where the client may call tools as tasks
 */
export function createSdkServer(
  host: ToolHost,
  identity: ServerIdentity,
  origin: () => CallOrigin,
  offer?: TaskOffer,
): Server {
  const server = new Server(identity, { capabilities: { tools: { listChanged: true } }, instructions });
  if (offer) offerTasks(server, offer, origin);
  const asksForTasks = offer?.era === 'legacy';
  server.setRequestHandler('tools/list', ({ params }): ListToolsResult => {
    if (params?.cursor !== undefined) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid cursor: the list has one page');
    }
    return { tools: JSON.parse(host.list(origin().caller, asksForTasks)) };
  });
  server.setRequestHandler('tools/call', async ({ params }, context): Promise<CallToolResult> => {
    const from = origin();
    const tool = host.find(params.name, from.caller);
    if (tool === undefined) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
    }
    if (asksForTasks && params.task !== undefined) {
      throw new ProtocolError(
        ProtocolErrorCode.InvalidRequest,
        'A call that is to become a task takes neither requestState nor inputResponses',
      );
    }
    const stopProgress = notifyProgress(context);
    try {
      // The SDK has read it from JSON.
      const input = (params.arguments ?? {}) as JsonValue;
      return toSdkResult(await host.call(tool, input, { ...from, signal: context.mcpReq.signal }));
    } finally {
      stopProgress();
    }
  });
  return server;
}

function toSdkResult({ members, meta }: ToolResult): CallToolResult {
  return JSON.parse(`{${members}${meta && `,"_meta":{${meta}}`}}`);
}
