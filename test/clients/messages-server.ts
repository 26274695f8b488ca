import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../servers/listen.ts';

/** A piece of what the model says. */
export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly name: string; readonly input: object };

/** What a client sent for its turn. */
export interface MessagesRequest {
  readonly stream?: boolean;
  readonly tools?: readonly {
    readonly name: string;
    readonly description?: string;
    readonly input_schema?: object;
  }[];
  readonly messages: readonly { readonly role: string; readonly content: string | readonly ContentBlock[] }[];
}

export interface ContentBlock {
  readonly type: string;
  readonly text?: string;
  readonly tool_use_id?: string;
  readonly is_error?: boolean;
  readonly content?: string | readonly ContentBlock[];
}

export interface MessagesServer {
  readonly url: string;
  /** The requests that had tools, in the order in which they came. */
  readonly requests: readonly MessagesRequest[];
  close(): Promise<void>;
}

/**
 * Starts a stand-in for the Messages API: the client is the real one, its model is a script.
 *
 * @param turns what the model says, turn by turn; each is given the text of the last tool result
 */
export async function startMessagesServer(
  turns: readonly ((lastResult: string) => Block)[],
): Promise<MessagesServer> {
  const requests: MessagesRequest[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of request) pieces.push(piece);
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/v1/messages/count_tokens') return sendJson(response, { input_tokens: 1 });
    if (pathname !== '/v1/messages' || request.method !== 'POST') {
      response.statusCode = 404;
      return sendJson(response, { type: 'error', error: { type: 'not_found_error', message: pathname } });
    }
    const body: MessagesRequest = JSON.parse(Buffer.concat(pieces).toString('utf8'));
    const block = nextBlock(body);
    send(response, body.stream === true, { id: `toolu_${requests.length}`, ...block });
  }

  function nextBlock(body: MessagesRequest): Block {
    // A client asks small things of its own beside the conversation, without tools.
    if ((body.tools ?? []).length === 0) return { type: 'text', text: 'ok' };
    const turn = turns[requests.length];
    requests.push(body);
    return turn?.(lastResult(body)) ?? { type: 'text', text: 'The script has no more turns.' };
  }

  const { port, close } = await listen(server);
  return { url: `http://127.0.0.1:${port}`, requests, close };
}

/** The text of the last tool result of a request; empty where there is none. */
function lastResult({ messages }: MessagesRequest): string {
  return textOf(resultBlocks(messages).at(-1)?.content);
}

/** The tool results of a request. */
export function resultBlocks(messages: MessagesRequest['messages']): readonly ContentBlock[] {
  return messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.filter(({ type }) => type === 'tool_result'),
  );
}

function textOf(content: ContentBlock['content']): string {
  if (content === undefined || typeof content === 'string') return content ?? '';
  return content.map(({ text }) => text ?? '').join('');
}

function send(response: ServerResponse, isStream: boolean, block: Block & { readonly id: string }): void {
  const stop_reason = block.type === 'tool_use' ? 'tool_use' : 'end_turn';
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-script',
    stop_sequence: null,
    usage,
  };
  if (!isStream) {
    sendJson(response, { ...message, content: [block], stop_reason });
    return;
  }
  const event = (type: string, fields: object) =>
    void response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  const [empty, delta] =
    block.type === 'text'
      ? [
          { ...block, text: '' },
          { type: 'text_delta', text: block.text },
        ]
      : [
          { ...block, input: {} },
          { type: 'input_json_delta', partial_json: JSON.stringify(block.input) },
        ];
  response.setHeader('content-type', 'text/event-stream');
  event('message_start', { message: { ...message, content: [], stop_reason: null } });
  event('content_block_start', { index: 0, content_block: empty });
  event('content_block_delta', { index: 0, delta });
  event('content_block_stop', { index: 0 });
  event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage });
  event('message_stop', {});
  response.end();
}

function sendJson(response: ServerResponse, value: object): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}
