import type { JsonValue } from '../../src/contracts/json.ts';
import type { Transport, UpstreamHeaders } from '../../src/contracts/transport.ts';

/** What a server answered to one request. */
export interface RecordedExchange {
  /** `POST /v2/models/double/infer`, or the method of gRPC. */
  readonly request: string;
  /** Of HTTP, or of gRPC, where 0 is OK. */
  readonly status: number;
  /** Those that an adapter may look at. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What gRPC says to a status other than OK. */
  readonly details?: string;
  readonly text?: string;
  /** The body, where it is no text. */
  readonly base64?: string;
}

/** What an adapter did with the answers of a server: an inference, a probe. */
export interface RecordedCase {
  readonly name: string;
  readonly does: 'infer' | 'probe';
  /** The name of a skill of the recording. */
  readonly skill: string;
  readonly input?: JsonValue;
  readonly exchanges: readonly RecordedExchange[];
  readonly gave: RecordedOutcome;
}

/** What came of it: an output or an error, or what the probe said. */
export type RecordedOutcome =
  | { readonly output: JsonValue }
  | { readonly error: { readonly code: string; readonly retryable: boolean; readonly mayHaveRun: boolean } }
  | { readonly state: string };

/** What one server answered, on one day. */
export interface Recording {
  readonly server: string;
  readonly source: string;
  readonly door: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** The definitions, with the address of the server taken out. */
  readonly skills: Readonly<Record<string, JsonValue>>;
  readonly cases: readonly RecordedCase[];
}

const keptHeaders = ['content-type', 'retry-after', 'inference-header-content-length'];

/** Makes a transport that keeps what comes over another. */
export function recordExchanges(transport: Transport): {
  readonly transport: Transport;
  readonly exchanges: RecordedExchange[];
} {
  const exchanges: RecordedExchange[] = [];
  return {
    exchanges,
    transport: {
      async exchange(request) {
        const pieces: Buffer[] = [];
        const { onData } = request;
        const response = await transport.exchange({
          ...request,
          ...(onData && {
            onData(piece: Buffer, headers: UpstreamHeaders) {
              pieces.push(piece);
              onData(piece, headers);
            },
          }),
        });
        const headers = keptHeaders.flatMap((name) => {
          const value = response.headers[name];
          return typeof value === 'string' ? [[name, value]] : [];
        });
        exchanges.push({
          request: `${request.method} ${request.url.pathname}`,
          status: response.status,
          headers: Object.fromEntries(headers),
          ...writeBody(Buffer.concat([...pieces, response.body])),
        });
        return response;
      },

      async call(request) {
        const response = await transport.call(request);
        const { status, details } = response;
        exchanges.push({ request: request.method, status, details, ...writeBody(response.message, true) });
        return response;
      },

      reach: (url, signal) => transport.reach(url, signal),
    },
  };
}

/**
 * Makes a transport over which a server answers as it did: to each request the next answer to one like it.
 *
 * @throws Error from its methods, for a request that was not recorded
 */
export function replayExchanges(recorded: readonly RecordedExchange[]): Transport {
  const left = [...recorded];
  const answerTo = (request: string): RecordedExchange => {
    const index = left.findIndex((exchange) => exchange.request === request);
    const [exchange] = index === -1 ? [] : left.splice(index, 1);
    if (exchange === undefined) throw new Error(`no answer is recorded to ${request}`);
    return exchange;
  };
  return {
    async exchange({ method, url, signal, onSent, onProgress, onData }) {
      signal.throwIfAborted();
      const { status, headers = {}, ...content } = answerTo(`${method} ${url.pathname}`);
      const body = readBody(content);
      onSent?.();
      onProgress?.();
      if (!onData || status < 200 || status >= 300) return { status, headers, body };
      onData(body, headers);
      return { status, headers, body: Buffer.alloc(0) };
    },

    async call({ method, signal, onSent, onProgress }) {
      signal.throwIfAborted();
      const { status, details = '', ...content } = answerTo(method);
      onSent?.();
      onProgress?.();
      return { status, details, message: readBody(content) };
    },

    async reach() {
      // The server was there.
    },
  };
}

function writeBody(body: Buffer, isBinary = false): { text?: string; base64?: string } {
  if (body.length === 0) return {};
  const text = body.toString();
  const isText = !isBinary && Buffer.from(text).equals(body) && !text.includes('\0');
  return isText ? { text } : { base64: body.toString('base64') };
}

function readBody({ text, base64 }: Pick<RecordedExchange, 'text' | 'base64'>): Buffer {
  return base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
}
