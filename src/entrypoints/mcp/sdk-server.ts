import {
  type CallToolResult,
  type ListToolsResult,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { JsonValue } from '../../contracts/json.ts';
import { startProgress } from './progress.ts';
import type { CallContext, ToolHost } from './tool-host.ts';
import type { ToolResult } from './tool-result.ts';

/** How the gateway names itself. */
export interface ServerIdentity {
  readonly name: string;
  readonly version: string;
}

/** What of a call is known before it comes. */
export type CallOrigin = Omit<CallContext, 'signal'>;

const instructions =
  'Each tool is a model that runs on the user’s own machines. When a tool answers with an error, its text begins with a code and lists what was wrong with the input by JSON Pointer: mend the input and call again.';

/**
 * Makes a server of the official SDK, for one exchange or one connection.
 *
 * @param origin who calls, as far as the connection knows; asked again at every request
 */
export function createSdkServer(host: ToolHost, identity: ServerIdentity, origin: () => CallOrigin): Server {
  const server = new Server(identity, { capabilities: { tools: { listChanged: true } }, instructions });
  server.setRequestHandler('tools/list', ({ params }): ListToolsResult => {
    if (params?.cursor !== undefined) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid cursor: the list has one page');
    }
    return { tools: JSON.parse(host.list(origin().caller)) };
  });
  server.setRequestHandler('tools/call', async ({ params }, context): Promise<CallToolResult> => {
    const from = origin();
    const tool = host.find(params.name, from.caller);
    if (tool === undefined) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
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

/** Tells the client from time to time that its call is still under way, if it asked for that. Gives the end of it. */
function notifyProgress({ mcpReq }: ServerContext): () => void {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  return startProgress(({ progress, message }) => {
    const params = { progressToken, progress, message };
    // Who no longer listens needs no progress; the call itself ends by its signal.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  });
}

function toSdkResult({ members, meta }: ToolResult): CallToolResult {
  return JSON.parse(`{${members}${meta && `,"_meta":{${meta}}`}}`);
}
