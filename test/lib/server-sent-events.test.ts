import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventParser, type ServerSentEvent } from '../../src/lib/server-sent-events.ts';

function parse(...pieces: readonly Uint8Array[]): ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  const push = createEventParser((event) => events.push(event));
  for (const piece of pieces) push(piece);
  return events;
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe('a stream of server-sent events', () => {
  it.each<[string, ServerSentEvent[]]>([
    ['data: a\n\n', [{ type: 'message', data: 'a' }]],
    ['data:a\r\n\r\n', [{ type: 'message', data: 'a' }]],
    [
      'data: a\r\rdata: b\r\r',
      [
        { type: 'message', data: 'a' },
        { type: 'message', data: 'b' },
      ],
    ],
    ['data:  two spaces\n\n', [{ type: 'message', data: ' two spaces' }]],
    ['data: a\ndata: b\n\n', [{ type: 'message', data: 'a\nb' }]],
    ['data\n\n', [{ type: 'message', data: '' }]],
    ['\uFEFFdata: a\n\n', [{ type: 'message', data: 'a' }]],
    [': ping\n\ndata: a\n\n', [{ type: 'message', data: 'a' }]],
    ['event: error\ndata: {}\n\n', [{ type: 'error', data: '{}' }]],
    ['event: error\n\ndata: a\n\n', [{ type: 'message', data: 'a' }]],
    ['error: {"code":500}\n\n', [{ type: 'error', data: '{"code":500}' }]],
    ['id: 1\nretry: 10\nunknown: x\ndata: a\n\n', [{ type: 'message', data: 'a' }]],
    ['data: broken off', []],
    ['data: broken off\n', []],
  ])('%j holds %j', (text, expected) => {
    expect(parse(bytes(text))).toEqual(expected);
  });

  it('holds the same events however its bytes are cut', () => {
    const line = fc.oneof(
      fc.constantFrom('', ': comment', 'data', 'event: error', 'data: x', 'data:é😀', 'error: y'),
      fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, '')),
    );
    const stream = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')))
      .map((lines) => bytes(lines.map(([text, end]) => text + end).join('')));
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400)), (whole, cuts) => {
        const places = [...cuts.filter((cut) => cut < whole.length), whole.length].sort((a, b) => a - b);
        const pieces = places.map((place, index) => whole.subarray(places[index - 1] ?? 0, place));
        expect(parse(...pieces)).toEqual(parse(whole));
      }),
    );
  });

  it('is read in time that grows with its length alone', () => {
    const started = performance.now();
    const piece = bytes('x'.repeat(1000));
    parse(bytes('data: '), ...Array.from({ length: 20_000 }, () => piece), bytes('\n\n'));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
