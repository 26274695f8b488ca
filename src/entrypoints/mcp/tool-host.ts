import { type Caller, mayUse } from '../../contracts/caller.ts';
import { toSkillgateError } from '../../contracts/errors.ts';
import type { CacheDirective, SkillInvoker } from '../../contracts/invocation.ts';
import type { JsonValue } from '../../contracts/json.ts';
import type { SkillCatalog } from '../../contracts/skill.ts';
import type { ResultStore } from '../../contracts/stores.ts';
import { type Tool, toolOf } from './tool.ts';
import { errorResult, type ResultLink, showOutput, successResult, type ToolResult } from './tool-result.ts';

/** Who calls, and how. */
export interface CallContext {
  readonly caller: Caller;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly cacheDirective: CacheDirective;
  readonly signal: AbortSignal;
  /** Where a kept result can be fetched; undefined where the caller has no way to it. */
  readonly resultUrl: ((id: string) => string) | undefined;
}

/** What of a call is known before it comes. */
export type CallOrigin = Omit<CallContext, 'signal'>;

/** Who gets a result. */
export type ResultContext = Pick<CallContext, 'caller' | 'requestId' | 'resultUrl'>;

/** The skills as tools, whichever way MCP comes. */
export interface ToolHost {
  /**
   * The tools that the caller may use, as the JSON text of a list, in alphabetical order.
   *
   * @param asTasks whether they are to say that they can be called as tasks
   */
  list(caller: Caller, asTasks: boolean): string;
  /** The tool of this name; undefined where there is none that the caller may use. */
  find(name: string, caller: Caller): Tool | undefined;
  /** Calls a tool. What goes wrong is a result too, so that Claude can read it. */
  call(tool: Tool, input: JsonValue, context: CallContext): Promise<ToolResult>;
  /** The result of a call that gave this answer, as JSON text. */
  show(tool: Tool, json: string, context: ResultContext): Promise<ToolResult>;
}

export interface ToolHostOptions {
  readonly invoker: SkillInvoker;
  readonly catalog: SkillCatalog;
  readonly results: ResultStore;
  /** How long `results` keeps one, in milliseconds. */
  readonly resultTtlMs: number;
}

/** Claude Code shows larger results as a preview and a file, unless the tool asks for more; others cut them. */
const largeCharacters = 50_000;

/** Shows the skills as MCP tools. */
export function createToolHost({ invoker, catalog, results, resultTtlMs }: ToolHostOptions): ToolHost {
  /** Keeps an answer for its caller to fetch. */
  async function keep(json: string, { caller, resultUrl }: ResultContext): Promise<ResultLink | undefined> {
    if (resultUrl === undefined) return undefined;
    const id = await results.keep({ callerId: caller.id, json });
    return id === undefined
      ? undefined
      : { url: resultUrl(id), expiresAt: new Date(Date.now() + resultTtlMs) };
  }

  async function show(tool: Tool, json: string, context: ResultContext): Promise<ToolResult> {
    const output = showOutput(tool, json);
    if (output.text.length <= largeCharacters) return successResult(tool, output);
    return successResult(tool, output, await keep(json, context));
  }

  return {
    show,
    list: (caller, asTasks) =>
      `[${catalog
        .list()
        .filter((skill) => mayUse(caller, skill.compiled.definition.name))
        .map((skill) => (asTasks ? toolOf(skill).taskJson : toolOf(skill).json))
        .join()}]`,
    find(name, caller) {
      const skill = catalog.get(name);
      return skill && mayUse(caller, name) ? toolOf(skill) : undefined;
    },
    async call(tool, input, context) {
      const { caller, requestId, traceparent, cacheDirective, signal } = context;
      try {
        const { json } = await invoker.invoke({
          skill: tool.skill.compiled.definition.name,
          input,
          caller,
          source: 'mcp',
          requestId,
          traceparent,
          cacheDirective,
          signal,
        });
        return await show(tool, json, context);
      } catch (error) {
        return errorResult(toSkillgateError(error), requestId);
      }
    },
  };
}
