import {
  fromJsonSchema,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  RELATED_TASK_META_KEY,
  type Server,
} from '@modelcontextprotocol/server';
import { anonymousCaller } from '../../contracts/caller.ts';
import { toSkillgateError } from '../../contracts/errors.ts';
import { hasEnded, type Job } from '../../contracts/jobs.ts';
import type { JsonObject } from '../../contracts/json.ts';
import { type Era, tasksExtension } from './era.ts';
import { rpcErrorOf } from './rpc-error.ts';
import { notifyProgress } from './sdk-progress.ts';
import type { TaskHost } from './task-host.ts';
import type { CallOrigin } from './tool-host.ts';

/** What a server of the SDK needs to serve tasks of its client's era. */
export interface TaskOffer {
  readonly tasks: TaskHost;
  readonly era: Era;
}

/** Tasks that a page of `tasks/list` has. */
const pageSize = 100;

const idParams = fromJsonSchema<{ taskId: string }>({
  type: 'object',
  properties: { taskId: { type: 'string' } },
  required: ['taskId'],
});
const listParams = fromJsonSchema<{ cursor?: string }>({
  type: 'object',
  // A cursor is the id of a job.
  properties: { cursor: { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' } },
});

/**
 * Serves the methods of tasks, of the core in 2025-11-25 and of the extension in 2026-07-28. The calls that make tasks
 * do not come here: the SDK takes nothing but a tool's result for an answer to `tools/call`.
 */
export function offerTasks(server: Server, { tasks, era }: TaskOffer, origin: () => CallOrigin): void {
  if (era === 'legacy') offerCoreTasks(server, tasks, origin);
  else offerExtension(server, tasks, origin);
}

/** Tasks of 2025-11-25 (Basic, Utilities, Tasks). */
function offerCoreTasks(server: Server, tasks: TaskHost, origin: () => CallOrigin): void {
  // Whoever shares a name with everybody must not see everybody's tasks.
  const lists = origin().caller.id !== anonymousCaller.id;
  server.registerCapabilities({
    tasks: { ...(lists && { list: {} }), cancel: {}, requests: { tools: { call: {} } } },
  });

  server.setRequestHandler('tasks/get', { params: idParams }, ({ taskId }) =>
    orRefuse(origin(), async ({ caller }) => tasks.describe(await tasks.find(taskId, caller), 'legacy')),
  );
  server.setRequestHandler('tasks/result', { params: idParams }, ({ taskId }, context) =>
    orRefuse(origin(), async (from) => {
      const stopProgress = notifyProgress(context);
      try {
        const job = await tasks.waitForEnd(taskId, from.caller, context.mcpReq.signal);
        const result = await resultOf(tasks, job, from);
        if (result === undefined) throw unknownTool(job);
        return { ...result, _meta: { ...metaOf(result), [RELATED_TASK_META_KEY]: { taskId } } };
      } finally {
        stopProgress();
      }
    }),
  );
  server.setRequestHandler('tasks/cancel', { params: idParams }, ({ taskId }) =>
    orRefuse(origin(), async ({ caller }) => {
      const before = await tasks.find(taskId, caller);
      const job = hasEnded(before) ? before : await tasks.cancel(taskId, caller);
      if (job !== before && job.status === 'cancelled') return tasks.describe(job, 'legacy');
      const { status } = tasks.describe(job, 'legacy');
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `The task has ended already: it is ${status}`);
    }),
  );
  if (!lists) return;
  server.setRequestHandler('tasks/list', { params: listParams }, ({ cursor }) =>
    orRefuse(origin(), async ({ caller }) => {
      // One more tells whether there is a next page.
      const found = await tasks.list(caller, cursor, pageSize + 1);
      const shown = found.slice(0, pageSize);
      const nextCursor = found.length > pageSize ? shown.at(-1)?.id : undefined;
      return {
        tasks: shown.map((job) => tasks.describe(job, 'legacy')),
        ...(nextCursor !== undefined && { nextCursor }),
      };
    }),
  );
}

/** Tasks of 2026-07-28 (the extension `io.modelcontextprotocol/tasks`). */
function offerExtension(server: Server, tasks: TaskHost, origin: () => CallOrigin): void {
  server.registerCapabilities({ extensions: { [tasksExtension]: {} } });
  const declared = () => {
    if (server.getClientCapabilities()?.extensions?.[tasksExtension] !== undefined) return origin();
    throw undeclaredTasks();
  };

  server.setRequestHandler('tasks/get', { params: idParams }, ({ taskId }) =>
    orRefuse(declared(), async (from) => {
      const job = await tasks.find(taskId, from.caller);
      const task = tasks.describe(job, 'modern');
      if (!hasEnded(job) || job.status === 'cancelled') return task;
      const result = await resultOf(tasks, job, from);
      if (result !== undefined) return { ...task, result: { resultType: 'complete', ...result } };
      const { code, message } = unknownTool(job);
      return { ...task, status: 'failed', statusMessage: message, error: { code, message } };
    }),
  );
  server.setRequestHandler('tasks/update', { params: idParams }, ({ taskId }, { mcpReq }) =>
    orRefuse(declared(), async ({ caller }) => {
      if (mcpReq.inputResponses === undefined) {
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'tasks/update needs inputResponses');
      }
      // A model asks its caller nothing, so that there is no response that could be awaited.
      await tasks.find(taskId, caller);
      return {};
    }),
  );
  server.setRequestHandler('tasks/cancel', { params: idParams }, ({ taskId }) =>
    orRefuse(declared(), async ({ caller }) => {
      await tasks.cancel(taskId, caller);
      return {};
    }),
  );
}

/** What a client of 2026-07-28 is told that asks for tasks and does not declare them. */
export function undeclaredTasks(): MissingRequiredClientCapabilityError {
  return new MissingRequiredClientCapabilityError({
    requiredCapabilities: { extensions: { [tasksExtension]: {} } },
  });
}

/** Turns what goes wrong into errors of the protocol. */
async function orRefuse<Result>(
  origin: CallOrigin,
  work: (origin: CallOrigin) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(origin);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    const { code, message } = rpcErrorOf(toSkillgateError(error), origin.requestId);
    throw new ProtocolError(code, message);
  }
}

/** What `tools/call` would have answered, as the SDK sends it. */
async function resultOf(tasks: TaskHost, job: Job, origin: CallOrigin): Promise<JsonObject | undefined> {
  const result = await tasks.resultOf(job, origin);
  return result && JSON.parse(`{${result.members}${result.meta && `,"_meta":{${result.meta}}`}}`);
}

function metaOf({ _meta }: JsonObject): JsonObject {
  return typeof _meta === 'object' && _meta !== null && !Array.isArray(_meta) ? _meta : {};
}

/** What `tools/call` says of a tool that is not there. */
function unknownTool({ skill }: Job): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${skill}`);
}
