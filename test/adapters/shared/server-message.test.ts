import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serverMessage } from '../../../src/adapters/shared/server-message.ts';

function messageOf(body: string, type?: string): string | undefined {
  return serverMessage({ body: Buffer.from(body), headers: { 'content-type': type } });
}

describe("a server's message", () => {
  test.each([
    ['{"error":"a"}', 'a'],
    ['{"error":{"message":"a","code":1}}', 'a'],
    ['{"message":"a"}', 'a'],
    ['{"detail":"a"}', 'a'],
    ['{"detail":{"error":"a"}}', 'a'],
    ['{"detail":[{"loc":["body","text"],"msg":"a"},{"msg":"b"}]}', 'body.text: a; b'],
    ['{"errors":["a","b"]}', 'a; b'],
    ['{"error":"","message":"a"}', 'a'],
    ['{"error":"invalid_token","error_description":"a"}', 'a'],
    ['"a"', 'a'],
    ['{"status":"down"}', '{"status":"down"}'],
    ['{"error": broken', '{"error": broken'],
    ['plain text', 'plain text'],
    ['  two\n lines\t\u0000here ', 'two lines here'],
  ])('%s is %s', (body, message) => {
    expect(messageOf(body)).toBe(message);
  });

  test.each(['', ' \n ', '\u0000', '   '])('%j is none', (body) => {
    expect(messageOf(body)).toBeUndefined();
  });

  test('of an HTML page is its title', () => {
    expect(messageOf('<html><head><title> 502 Bad &amp; Gateway\n</title></head><body>x</body></html>')).toBe(
      '502 Bad & Gateway',
    );
  });

  test('of an HTML page without a title is its text, without scripts and styles', () => {
    const page =
      '<style>p {}</style><h1>Error</h1><script type="a">alert("x < y")</script><p>no&nbsp;model &lt;a&gt;</p>';
    expect(messageOf(page, 'text/html; charset=utf-8')).toBe('Error no model <a>');
  });

  test('has at most 500 characters, and no half of a character', () => {
    expect(messageOf('x'.repeat(500))).toBe('x'.repeat(500));
    expect(messageOf('x'.repeat(501))).toBe(`${'x'.repeat(499)}…`);
    expect(messageOf(`${'x'.repeat(498)}😀xx`)?.isWellFormed()).toBe(true);
  });

  test('of a huge body is looked for in its beginning only', () => {
    for (const piece of ['<', '<script>', '{"error":', '&lt;', '<title']) {
      const started = performance.now();
      expect(messageOf(`<html>${piece.repeat(2_000_000 / piece.length)}`)?.length ?? 0).toBeLessThanOrEqual(
        500,
      );
      expect(performance.now() - started).toBeLessThan(500);
    }
  });

  test('comes out of any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const message = serverMessage({ body: Buffer.from(bytes), headers: {} });
        expect(message === undefined || (message !== '' && message.trim() === message)).toBe(true);
      }),
    );
  });
});
