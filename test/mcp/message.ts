import { onTestFinished } from 'vitest';
import { definitionOf, type RunningApp, startApp, type WrittenDefinition } from '../app.ts';
import { json, type ModelServer, startModelServer } from '../servers/model-server.ts';

export const eras = ['2026-07-28', '2025-11-25'] as const;
export type Era = (typeof eras)[number];

/** What both eras ask a client to send. */
export const plainHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

/** A JSON-RPC message as a client gets it, of the shape that the test is about to check. */
export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown> & { readonly tools?: readonly Record<string, unknown>[] };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface SendOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
  readonly id?: string | number;
}

/** Sends a request as a client of the era does. */
export function send(
  url: string,
  era: Era,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  { headers = {}, meta = {}, signal, id = 1 }: SendOptions = {},
): Promise<Response> {
  const isModern = era === '2026-07-28';
  const name = params.name ?? params.taskId;
  const envelope = isModern && {
    'io.modelcontextprotocol/protocolVersion': era,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      ...plainHeaders,
      'mcp-protocol-version': era,
      ...(isModern && { 'mcp-method': method }),
      ...(isModern && typeof name === 'string' && { 'mcp-name': name }),
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method,
      params: { ...params, _meta: { ...envelope, ...meta } },
    }),
    ...(signal && { signal }),
  });
}

/** Sends a request, and gives the one message that answers it, whether it comes as JSON or as an event. */
export async function ask(...request: Parameters<typeof send>): Promise<Message> {
  const messages = await readMessages(await send(...request));
  const last = messages.at(-1);
  if (last === undefined) throw new Error('there was no answer');
  return last;
}

/** Every message of a response that ends. */
export async function readMessages(response: Response): Promise<Message[]> {
  const text = await response.text();
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return [JSON.parse(text)];
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data));
}

/** Reads a stream until a message of this method comes. */
export async function waitForMessage(response: Response, method: string): Promise<Message> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    for (const [, data = ''] of text.matchAll(/^data: (.*)\n/gm)) {
      const message: Message = JSON.parse(data);
      if (message.method === method) return message;
    }
  }
  throw new Error(`the stream ended without ${method}: ${text}`);
}

/** The text of a tool's result. */
export function textOf({ result }: Message): string {
  const content = result?.content;
  const [block] = Array.isArray(content) ? content : [];
  return String(block?.text);
}

/** The contract's example skill behind a gateway, and its model. */
export async function startTool(
  more: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<RunningApp & { readonly model: ModelServer }> {
  const model = await startModel();
  return { ...(await startApp([definitionOf(model.url, more)], env)), model };
}

/** A model that answers at once, gone after the test. */
export async function startModel(): Promise<ModelServer> {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'positive', confidence: 0.9 }));
  return model;
}

export const toolName: WrittenDefinition['name'] = 'local_model_predict';
