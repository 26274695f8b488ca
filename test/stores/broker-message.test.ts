import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JobRequest } from '../../src/contracts/jobs.ts';
import { readMessage, toMessage } from '../../src/stores/broker-jobs/message.ts';
import { jobRequest } from './job-contract-setup.ts';

const text = fc.string({ unit: 'grapheme' });
const requests: fc.Arbitrary<JobRequest> = fc.record({
  id: fc.uuid({ version: 7 }),
  skill: text,
  version: text,
  inputJson: fc.json({ stringUnit: 'binary' }),
  caller: fc.record({
    id: text,
    skills: fc.oneof(
      fc.constant('*' as const),
      fc.array(text).map((names) => new Set(names)),
    ),
  }),
  requestId: text,
  traceparent: fc.option(text, { nil: undefined }),
  cacheDirective: fc.constantFrom('default', 'no-cache', 'no-store'),
  createdAtMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
});
const keys = fc.option(fc.record({ key: text, inputDigest: text }), { nil: undefined });

it('a message gives back the job that it was made of', () => {
  fc.assert(
    fc.property(requests, keys, (request, key) => {
      const message = toMessage(request, key);
      expect(readMessage(message.text)).toEqual(message);
    }),
  );
});

it('the names of idempotency keys tell callers, skills and keys apart', () => {
  const parts = fc.tuple(text, text, text);
  const nameOf = ([id, skill, key]: [string, string, string]) =>
    toMessage(jobRequest({ caller: { id, skills: '*' }, skill }), { key, inputDigest: 'digest' }).key?.name;
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      expect(nameOf(one) === nameOf(other)).toBe(one.every((part, index) => part === other[index]));
    }),
  );
});

it('a text that is no job gives none', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        fc.json(),
        fc.tuple(fc.json(), fc.json()).map((lines) => lines.join('\n')),
      ),
      (any) => {
        expect(readMessage(any)).toBeUndefined();
      },
    ),
  );
});

it('a job that no broker need take is refused', () => {
  const inputJson = JSON.stringify('x'.repeat(16 * 1024 * 1024));
  expect(() => toMessage(jobRequest({ inputJson }), undefined)).toThrow(
    expect.objectContaining({ code: 'payload_too_large' }),
  );
});
