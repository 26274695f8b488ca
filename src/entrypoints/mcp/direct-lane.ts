import type { Caller } from '../../contracts/caller.ts';
import { SkillgateError, toSkillgateError } from '../../contracts/errors.ts';
import { hasEnded } from '../../contracts/jobs.ts';
import type { JsonObject } from '../../contracts/json.ts';
import type { DirectRequest } from './direct-request.ts';
import { rpcErrorOf } from './rpc-error.ts';
import type { ServerIdentity } from './sdk-server.ts';
import type { TaskHost } from './task-host.ts';
import type { Tool } from './tool.ts';
import type { CallContext, ToolHost } from './tool-host.ts';
import { errorResult, type ToolResult } from './tool-result.ts';

/** Answers plain requests with the text of a JSON-RPC response. */
export interface DirectLane {
  list(request: DirectRequest, caller: Caller): string;
  /** Does not reject: what goes wrong with a tool is a result. */
  call(request: DirectRequest, tool: Tool, context: CallContext): Promise<string>;
}

export interface DirectLaneOptions {
  readonly host: ToolHost;
  readonly tasks: TaskHost;
  readonly identity: ServerIdentity;
}

/**
 * Makes the way past the SDK's dispatcher, which costs more than the rest of the gateway: see
 * docs/decisions/0007-mcp.md.
 */
export function createDirectLane({ host, tasks, identity }: DirectLaneOptions): DirectLane {
  const serverInfo = `"io.modelcontextprotocol/serverInfo":${JSON.stringify(identity)}`;

  function respond({ era, id }: DirectRequest, members: string, meta = '', resultType = 'complete'): string {
    const result =
      era === 'modern'
        ? `"resultType":"${resultType}",${members},"_meta":{${serverInfo}${meta && `,${meta}`}}`
        : `${members}${meta && `,"_meta":{${meta}}`}`;
    return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${result}}}`;
  }

  /** A call of 2025-11-25 that asked to become a task: nothing else can be the answer. */
  async function beginTask(request: DirectRequest, tool: Tool, context: CallContext): Promise<string> {
    try {
      const job = await tasks.begin(tool, request.call?.input ?? {}, context);
      return respond(request, `"task":${JSON.stringify(tasks.describe(job, 'legacy'))}`);
    } catch (failure) {
      const error = rpcErrorOf(toSkillgateError(failure), context.requestId);
      return JSON.stringify({ jsonrpc: '2.0', id: request.id, error });
    }
  }

  /** A call of 2026-07-28 whose client takes tasks: a task where the call is slow, else the result itself. */
  async function callOrTask(
    input: JsonObject,
    tool: Tool,
    context: CallContext,
  ): Promise<ToolResult & { readonly isTask?: boolean }> {
    const begun = await tasks.begin(tool, input, context).catch(toSkillgateError);
    if (begun instanceof SkillgateError) {
      // Where no more jobs can wait, there may still be room for a call.
      if (begun.code === 'overloaded') return host.call(tool, input, context);
      return errorResult(begun, context.requestId);
    }
    try {
      const job = await tasks.waitAMoment(begun, context);
      const result = hasEnded(job) ? await tasks.resultOf(job, context) : undefined;
      if (result !== undefined) return result;
      return { members: JSON.stringify(tasks.describe(job, 'modern')).slice(1, -1), meta: '', isTask: true };
    } catch (failure) {
      return errorResult(toSkillgateError(failure), context.requestId);
    }
  }

  return {
    list(request, caller) {
      // A list depends on the caller, and changes whenever a file does.
      const caching = request.era === 'modern' ? ',"ttlMs":0,"cacheScope":"private"' : '';
      return respond(request, `"tools":${host.list(caller, request.hasCoreTasks)}${caching}`);
    },
    async call(request, tool, context) {
      const { input = {}, asTask = false } = request.call ?? {};
      if (asTask && request.era === 'legacy') return beginTask(request, tool, context);
      if (asTask) {
        const { members, meta, isTask } = await callOrTask(input, tool, context);
        return respond(request, members, meta, isTask ? 'task' : 'complete');
      }
      const { members, meta } = await host.call(tool, input, context);
      return respond(request, members, meta);
    },
  };
}
