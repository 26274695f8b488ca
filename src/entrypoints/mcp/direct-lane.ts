import type { Caller } from '../../contracts/caller.ts';
import type { DirectRequest } from './direct-request.ts';
import type { ServerIdentity } from './sdk-server.ts';
import type { Tool } from './tool.ts';
import type { CallContext, ToolHost } from './tool-host.ts';

/** Answers plain requests with the text of a JSON-RPC response. */
export interface DirectLane {
  list(request: DirectRequest, caller: Caller): string;
  /** Does not reject: what goes wrong with a tool is a result. */
  call(request: DirectRequest, tool: Tool, context: CallContext): Promise<string>;
}

/**
 * Makes the way past the SDK's dispatcher, which costs more than the rest of the gateway: see
 * docs/decisions/0007-mcp.md.
 */
export function createDirectLane(host: ToolHost, identity: ServerIdentity): DirectLane {
  const serverInfo = `"io.modelcontextprotocol/serverInfo":${JSON.stringify(identity)}`;

  function respond({ era, id }: DirectRequest, members: string, meta = ''): string {
    const result =
      era === 'modern'
        ? `"resultType":"complete",${members},"_meta":{${serverInfo}${meta && `,${meta}`}}`
        : `${members}${meta && `,"_meta":{${meta}}`}`;
    return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${result}}}`;
  }

  return {
    list(request, caller) {
      // A list depends on the caller, and changes whenever a file does.
      const caching = request.era === 'modern' ? ',"ttlMs":0,"cacheScope":"private"' : '';
      return respond(request, `"tools":${host.list(caller)}${caching}`);
    },
    async call(request, tool, context) {
      const { members, meta } = await host.call(tool, request.call?.input ?? {}, context);
      return respond(request, members, meta);
    },
  };
}
