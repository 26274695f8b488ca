import { expect, it } from 'vitest';
import { traceparentOf } from '../../src/lib/trace-context.ts';

const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

it("keeps the caller's trace", () => {
  expect(traceparentOf(given, 'request-1')).toBe(given);
});

it.each([undefined, '', '00-zz', given.toUpperCase()])(
  'begins a trace that follows from the request id, given %j',
  (broken) => {
    expect(traceparentOf(broken, '9152db033b074ff6a30db1b275d7b1ee')).toBe(
      '00-9152db033b074ff6a30db1b275d7b1ee-a30db1b275d7b1ee-00',
    );
    expect(traceparentOf(broken, 'request-1')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(traceparentOf(broken, 'request-1')).toBe(traceparentOf(broken, 'request-1'));
  },
);
