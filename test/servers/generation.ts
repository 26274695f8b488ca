import { type Behaviour, json, text } from './model-server.ts';

/*
 * What servers with OpenAI's API write, in their own forms: the events of vLLM, llama.cpp and SGLang, the lines of
 * Ollama. The forms follow the servers' sources and documentation; test/adapters/__fixtures__/openai.json names them.
 */

/** Streams server-sent events, each piece of text as it stands, and ends the answer. */
export function events(...pieces: readonly string[]): Behaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const piece of pieces) response.write(piece);
    response.end();
  };
}

/** One event with JSON data. */
function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** The event after the last one. */
export const done = 'data: [DONE]\n\n';

/** A piece of a chat answer, as vLLM and llama.cpp write it. */
export function chatChunk(
  delta: Readonly<Record<string, unknown>>,
  finishReason: string | null = null,
): string {
  return event({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_762_000_000,
    model: 'tiny',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
  });
}

/** Streams a chat answer, a few characters an event. */
export function chat(content: string, finishReason = 'stop'): Behaviour {
  return events(
    chatChunk({ role: 'assistant', content: '' }),
    ...(content.match(/[\s\S]{1,7}/gu) ?? []).map((piece) => chatChunk({ content: piece })),
    chatChunk({}, finishReason),
    done,
  );
}

/** Streams an answer of the completions API. */
export function completion(content: string, finishReason = 'stop'): Behaviour {
  const chunk = (piece: string, reason: string | null) =>
    event({ object: 'text_completion', choices: [{ index: 0, text: piece, finish_reason: reason }] });
  return events(chunk(content, null), chunk('', finishReason), done);
}

/** Streams an answer of Ollama's own chat: a line of JSON each. */
export function ollamaChat(content: string, doneReason = 'stop'): Behaviour {
  const line = (piece: string, end: object) =>
    `${JSON.stringify({ model: 'tiny:latest', message: { role: 'assistant', content: piece }, ...end })}\n`;
  const lines = [...content].map((piece) => line(piece, { done: false }));
  return text([...lines, line('', { done: true, done_reason: doneReason })].join(''), {
    headers: { 'content-type': 'application/x-ndjson' },
  });
}

/** Generates for as long as somebody listens, as a model does that a client's leaving frees. */
export function generateForever(): Behaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write(chatChunk({ content: ' ' })), 5);
    response.on('close', () => clearInterval(timer));
  };
}

/** The list of models, as vLLM gives it. */
export function modelList(...ids: readonly string[]): Behaviour {
  return json({ object: 'list', data: ids.map((id) => ({ id, object: 'model', owned_by: 'vllm' })) });
}

/** Answers by the path of the request; 404 where there is none. */
export function routes(byPath: Readonly<Record<string, Behaviour>>): Behaviour {
  return (response, request) => {
    const route =
      byPath[request.path] ?? json({ error: { message: 'Not Found', code: 404 } }, { status: 404 });
    route(response, request);
  };
}
