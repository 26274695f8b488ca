/** Makes the bytes of requests to the bench skill, each kind as one buffer that is reused. */
export interface RequestSource {
  /** A request with an input that was never sent before. */
  miss(): Buffer;
  /** A request with the same input every time. */
  hit(): Buffer;
}

export const skillName = 'bench_predict';
export const apiKey = 'bench-key-that-opens-nothing-else';

const digits = 10;
let counter = 0;

/** Requests to a path, with the headers that a client of the gateway sends. One source serves one connection. */
export function createRequestSource(path: string): RequestSource {
  const missing = requestBytes(path, '0'.repeat(digits));
  const repeated = requestBytes(path, 'x'.repeat(digits));
  const counterOffset = missing.length - digits - 2;
  return {
    miss() {
      counter += 1;
      missing.write(String(counter).padStart(digits, '0'), counterOffset, 'latin1');
      return missing;
    },
    hit: () => repeated,
  };
}

function requestBytes(path: string, marker: string): Buffer {
  return postBytes(path, {
    language: 'fr',
    text: `Le petit prince habite une planète à peine ${marker}`,
  });
}

/** The bytes of a POST with a JSON body, by a caller with the benchmark's key. */
export function postBytes(path: string, body: unknown, headers: readonly string[] = []): Buffer {
  const json = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `authorization: Bearer ${apiKey}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(json)}`,
    ...headers,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${json}`);
}
