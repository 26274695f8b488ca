import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/contracts/json.ts';
import { compileMapping, type MappingExpressions } from '../../src/skills/mapping.ts';

function mappingOf(expressions: MappingExpressions) {
  const result = compileMapping(expressions, { timeoutMs: 250 });
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.mapping;
}

/** What the expression makes of the value, as a request. */
async function request(expression: string, value: JsonValue): Promise<JsonValue | undefined> {
  return mappingOf({ request: expression }).request?.(value);
}

describe('compileMapping', () => {
  it('leaves out what the definition leaves out', () => {
    expect(mappingOf({})).toEqual({});
    expect(Object.keys(mappingOf({ response: '$' }))).toEqual(['response']);
  });

  it('tells the faults of both expressions, with their places', () => {
    expect(compileMapping({ request: '{"a":', response: 'a.(' })).toEqual({
      faults: [
        {
          pointer: '/endpoint/request',
          reason: expect.stringMatching(/^is not a JSONata expression: .*\(at character \d+\)$/),
        },
        {
          pointer: '/endpoint/response',
          reason: expect.stringMatching(/^is not a JSONata expression: .*\(at character \d+\)$/),
        },
      ],
    });
  });

  it('gives plain JSON, without the flags and prototypes of JSONata', async () => {
    const result = await request(
      '{"doubled": rows.(n * 2), "kept": rows[], "none": missing, "proto": {"__proto__": 1}}',
      {
        rows: [{ n: 1 }, { n: 2 }],
      },
    );
    expect(JSON.stringify(result)).toBe('{"doubled":[2,4],"kept":[{"n":1},{"n":2}],"proto":{"__proto__":1}}');
    expect(Reflect.ownKeys(Object(result).doubled)).toEqual(['0', '1', 'length']);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
  });

  it('gives any JSON value back as it was under the expression $', async () => {
    const { request: identity } = mappingOf({ request: '$' });
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (generated) => {
        const value: JsonValue = JSON.parse(JSON.stringify(generated));
        expect(await identity?.(value)).toStrictEqual(value);
      }),
    );
  });

  it('binds the skill input to $input in the response, and nothing in the request', async () => {
    const { response } = mappingOf({ response: '{"text": $input.text, "label": label}' });
    expect(await response?.({ label: 'fr' }, { text: 'Bonjour' })).toEqual({ text: 'Bonjour', label: 'fr' });
    await expect(request('$input', { text: 'a' })).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it.each([
    ['it gives nothing', 'missing'],
    ['it gives a function', 'function($x){$x}'],
    ['it gives a function', '{"f": $sum}'],
    ['it gives Infinity, which JSON cannot write', 'one / 0'],
    ['The left side of the "+" operator must evaluate to a number (at character 6)', 'text + 1'],
    ['Evaluation timeout after 250 milliseconds', '($f := function($x){$f($x)}; $f(1))'],
    ['Stack overflow', '($f := function($x){1 + $f($x)}; $f(1))'],
  ])('fails with "%s" where the expression is %s', async (reason, expression) => {
    await expect(request(expression, { text: 'a', one: 1 })).rejects.toMatchObject({
      code: 'invalid_input',
      retryable: false,
      message: expect.stringContaining(`by the skill's endpoint.request: ${reason}`),
    });
  });

  it("calls a response that the expression cannot take the model server's error", async () => {
    await expect(
      mappingOf({ response: 'label & $number(score)' }).response?.({ score: 'high' }, {}),
    ).rejects.toMatchObject({
      code: 'upstream_error',
      retryable: false,
      message: expect.stringContaining('endpoint.response'),
    });
  });

  it('keeps evaluations that run at the same time apart', async () => {
    const { response } = mappingOf({
      response: '($sum([1..50].$); $map(rows, function($r){ $r & $input.id }))',
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, id) => response?.({ rows: [`a${id}-`, `b${id}-`] }, { id })),
    );
    expect(answers).toEqual(Array.from({ length: 50 }, (_, id) => [`a${id}-${id}`, `b${id}-${id}`]));
  });

  it('gives each evaluation the whole of its time, however many wait', async () => {
    const { request: slow } = mappingOf({ request: '$sum($map([1..500], function($x){$x * 2}))' });
    const start = performance.now();
    await slow?.({});
    const one = performance.now() - start;
    const count = Math.ceil(500 / one);
    const answers = await Promise.all(Array.from({ length: count }, () => slow?.({})));
    expect(new Set(answers)).toEqual(new Set([250_500]));
  });

  it('lets timers run between evaluations', async () => {
    const { request: slow } = mappingOf({ request: '$sum($map([1..500], function($x){$x * 2}))' });
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 1);
    await Promise.all(Array.from({ length: 100 }, () => slow?.({})));
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(2);
  });
});
