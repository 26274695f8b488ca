import { describe, expect, it, vi } from 'vitest';
import type { JsonValue } from '../../src/contracts/json.ts';
import type { Call } from '../../src/contracts/pipeline.ts';
import type { Validate } from '../../src/contracts/skill.ts';
import { authorize } from '../../src/policies/authorize.ts';
import { validateInput } from '../../src/policies/validate-input.ts';
import { validateOutput } from '../../src/policies/validate-output.ts';
import { makeCall } from '../call.ts';

const anything: Validate = () => [];
const faulty: Validate = () => [
  { pointer: '/text', keyword: 'type', message: 'must be string' },
  { pointer: '/n', keyword: 'type', message: 'must be number' },
];

describe('authorize', () => {
  it('lets only those callers through whose credentials cover the skill', async () => {
    const handle = async (call: Call) => authorize('echo')(async () => ({ json: '1' }))(call);
    for (const skills of ['*', new Set(['echo', 'other'])] as const) {
      expect(await handle(makeCall({ caller: { id: 'ann', skills } }))).toEqual({ json: '1' });
    }
    const stranger = makeCall({ caller: { id: 'ann', skills: new Set(['other']) } });
    await expect(handle(stranger)).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('input validation', () => {
  const check = async (validate: Validate, call: Call, next = vi.fn()) => validateInput(validate)(next)(call);

  it('hands every fault to the caller and calls nothing', async () => {
    const next = vi.fn();
    await expect(check(faulty, makeCall(), next)).rejects.toMatchObject({
      code: 'invalid_input',
      message: '/text must be string; and 1 more fault',
      faults: faulty(null),
    });
    expect(next).not.toHaveBeenCalled();
  });

  it('refuses nesting that would overflow a stack, before any schema walks it', async () => {
    const validate = vi.fn(anything);
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    await expect(check(validate, makeCall({ input: deep }))).rejects.toMatchObject({
      code: 'invalid_input',
      faults: [{ keyword: 'maxDepth', pointer: '/0'.repeat(128) }],
    });
    expect(validate).not.toHaveBeenCalled();
  });

  it('refuses a __proto__ key wherever it stands', async () => {
    const input = JSON.parse('{"a/b": [{"__proto__": {"admin": true}}]}');
    await expect(check(anything, makeCall({ input }))).rejects.toMatchObject({
      code: 'invalid_input',
      faults: [{ keyword: 'propertyNames', pointer: '/a~1b/0' }],
    });
  });
});

describe('output validation', () => {
  const check = (output: JsonValue, validate = anything) =>
    validateOutput(validate)(async () => output)(makeCall());

  it('writes the answer once', async () => {
    expect(await check({ prediction: 'fr' })).toEqual({ json: '{"prediction":"fr"}' });
  });

  it('refuses an answer that the schema refuses', async () => {
    await expect(check({}, faulty)).rejects.toMatchObject({ code: 'invalid_output', faults: faulty(null) });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses %s even where the schema allows anything',
    async (value) => {
      await expect(check({ scores: [1, value] })).rejects.toMatchObject({
        code: 'invalid_output',
        faults: [{ pointer: '/scores/1', keyword: 'number' }],
      });
    },
  );
});
