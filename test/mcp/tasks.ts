import { ask, type Era, type Message, type SendOptions, send, toolName } from './message.ts';

export const call = { name: toolName, arguments: { text: 'hello' } };

const capabilities = 'io.modelcontextprotocol/clientCapabilities';

/** What a client of 2026-07-28 sends with each request that takes tasks. */
const takesTasks = { [capabilities]: { extensions: { 'io.modelcontextprotocol/tasks': {} } } };

/** Sends a request as a client of the era does that takes tasks. */
export function askWithTasks(
  url: string,
  era: Era,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  options: SendOptions = {},
): Promise<Message> {
  return ask(url, era, method, params, withTasks(era, options));
}

/** As `askWithTasks`, and gives the response as it comes. */
export function sendWithTasks(...[url, era, method, params, options]: Parameters<typeof send>) {
  return send(url, era, method, params, withTasks(era, options));
}

function withTasks(era: Era, options: SendOptions = {}): SendOptions {
  return era === '2026-07-28' ? { ...options, meta: { ...takesTasks, ...options.meta } } : options;
}

/** Calls the tool so that it becomes a task, and gives that. */
export async function beginTask(
  url: string,
  era: Era,
  options: SendOptions = {},
): Promise<Message['result']> {
  const asked = era === '2025-11-25' ? { task: { ttl: 60_000 } } : {};
  const { result, error } = await askWithTasks(url, era, 'tools/call', { ...call, ...asked }, options);
  if (error) throw new Error(error.message);
  return era === '2025-11-25' ? Object(result?.task) : result;
}

/** The task when it has ended. */
export async function endedTask(url: string, era: Era, taskId: unknown): Promise<Message['result']> {
  for (;;) {
    const { result } = await askWithTasks(url, era, 'tasks/get', { taskId });
    if (result?.status !== 'working') return result;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
