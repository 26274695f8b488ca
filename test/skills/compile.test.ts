import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contracts/json.ts';
import { compileGood, faultsOf, plainDefinition } from './fixtures.ts';

describe('the compiler of definitions', () => {
  it('takes the plainest definition as it stands, and fills in the defaults', () => {
    const { definition } = compileGood(plainDefinition());
    expect(definition).toMatchObject({
      version: '1.0.0',
      endpoint: { protocol: 'http', options: {} },
      auth: { type: 'none' },
      timeouts: { connect_ms: 3000, total_ms: 60_000 },
      retry: { max_attempts: 3, idempotent: true },
      cache: { enabled: true, scope: 'shared' },
      readiness: { required: false },
      warmup: [],
      examples: [],
    });
  });

  it("fills in the defaults of the protocol's options", () => {
    const { definition } = compileGood(
      plainDefinition({
        endpoint: { url: 'http://localhost:8501', protocol: 'rows', model: 'm', options: { signature: 's' } },
      }),
    );
    expect(definition.endpoint.options).toEqual({ format: 'row', signature: 's' });
  });

  it("fills in the defaults of the protocol's options where there are no options at all", () => {
    const { definition } = compileGood(
      plainDefinition({ endpoint: { url: 'http://localhost:8501', protocol: 'rows', model: 'm' } }),
    );
    expect(definition.endpoint.options).toMatchObject({ format: 'row' });
  });

  it('compiles the schemas and the expressions', async () => {
    const compiled = compileGood(
      plainDefinition({
        endpoint: {
          url: 'http://localhost:8000',
          request: '{"t": text}',
          response: '{"prediction": label & $input.text}',
        },
      }),
    );
    expect(compiled.validateInput({})).toHaveLength(1);
    expect(compiled.validateOutput({ confidence: 'high' })).toHaveLength(1);
    expect(await compiled.mapping.request?.({ text: 'a' })).toEqual({ t: 'a' });
    expect(await compiled.mapping.response?.({ label: 'b' }, { text: 'a' })).toEqual({ prediction: 'ba' });
  });

  it('gives the same digest for the same definition written otherwise, and another for another', () => {
    const { digest } = compileGood(plainDefinition());
    const reordered = Object.fromEntries(Object.entries(plainDefinition()).reverse());
    expect(compileGood(reordered).digest).toBe(digest);
    expect(compileGood(plainDefinition({ version: '1.0.0' })).digest).toBe(digest);
    expect(compileGood(plainDefinition({ version: '1.0.1' })).digest).not.toBe(digest);
  });

  it.each<[string, JsonObject, string, string | RegExp]>([
    ['a missing part', { endpoint: {} }, '/endpoint', 'must have the property "url"'],
    [
      'a misspelled property',
      { endpoint: { url: 'http://a', methd: 'POST' } },
      '/endpoint/methd',
      'is not a known property; did you mean "method"?',
    ],
    ['a name that Claude cannot call', { name: 'My Skill' }, '/name', /must match the pattern/],
    [
      'an unknown protocol',
      { endpoint: { url: 'http://a', protocol: 'grpc' } },
      '/endpoint/protocol',
      'must be one of "http", "rows"',
    ],
    [
      "options that the default protocol doesn't have",
      { endpoint: { url: 'http://a', options: { format: 'row' } } },
      '/endpoint/options/format',
      'is not a known property',
    ],
    [
      "options that are another protocol's",
      { endpoint: { url: 'http://a', protocol: 'rows', model: 'm', options: { format: 'diagonal' } } },
      '/endpoint/options/format',
      'must be one of "row", "column"',
    ],
    [
      "what only the protocol's own check sees",
      { endpoint: { url: 'http://a', protocol: 'rows' } },
      '/endpoint',
      'rows needs a model',
    ],
    [
      'an auth without its secret',
      { auth: { type: 'bearer' } },
      '/auth',
      'must have the property "token_env"',
    ],
    [
      'an unknown auth',
      { auth: { type: 'kerberos' } },
      '/auth/type',
      'must be one of "none", "jwt", "bearer", "basic", "oauth2"',
    ],
    ['an auth without a type', { auth: {} }, '/auth', 'must have the property "type"'],
    [
      'a secret in auth itself',
      { auth: { type: 'bearer', token_env: 'T', token: 'x' } },
      '/auth/token',
      /is not a known property/,
    ],
    [
      'an input that is no object',
      { input_schema: { type: 'array' } },
      '/input_schema',
      'must have "type": "object" at its root',
    ],
    [
      'an input schema that refers to itself without end',
      { input_schema: { type: 'object', $ref: '#' } },
      '/input_schema',
      'refers to itself without end',
    ],
    [
      'a schema that ajv refuses',
      { output_schema: { properties: { a: { nullable: true } } } },
      '/output_schema',
      'cannot be compiled: "nullable" cannot be used without "type"',
    ],
    [
      'a remote reference',
      { output_schema: { $ref: 'https://example.org/x' } },
      '/output_schema/$ref',
      /leads out of this schema/,
    ],
    [
      'an example that the skill would refuse',
      { examples: [{ input: { text: 'a' } }, { input: { text: 1 } }] },
      '/examples/1/input/text',
      'must be a string, not a number, as input_schema says',
    ],
    [
      'a warm-up input that the skill would refuse',
      { warmup: [{}] },
      '/warmup/0',
      'must have the property "text", as input_schema says',
    ],
    [
      'a broken request expression',
      { endpoint: { url: 'http://a', request: '{"a": ' } },
      '/endpoint/request',
      /^is not a JSONata expression: .* \(at character 6\)$/,
    ],
    [
      'a broken response expression',
      { endpoint: { url: 'http://a', response: 'a.(' } },
      '/endpoint/response',
      /^is not a JSONata expression/,
    ],
  ])('refuses %s', (_, changes, pointer, reason) => {
    expect(faultsOf(plainDefinition(changes))).toEqual([
      { pointer, reason: typeof reason === 'string' ? reason : expect.stringMatching(reason) },
    ]);
  });

  it('refuses a __proto__ key anywhere', () => {
    const definition = JSON.parse(JSON.stringify(plainDefinition()).replace('"method"', '"__proto__"'));
    expect(faultsOf(definition)).toEqual([
      { pointer: '/endpoint', reason: 'must not have a property named __proto__' },
    ]);
  });

  it('refuses nesting that no schema needs', () => {
    let schema: JsonObject = { type: 'object' };
    for (let depth = 0; depth < 50_000; depth += 1) schema = { type: 'object', properties: { a: schema } };
    expect(faultsOf(plainDefinition({ input_schema: schema }))).toEqual([
      expect.objectContaining({ reason: expect.stringContaining('must not be nested deeper') }),
    ]);
  });

  it.each([null, [], 'text', 1])('refuses a file that holds %j', (value) => {
    expect(faultsOf(value)).toEqual([
      expect.objectContaining({ pointer: '', reason: expect.stringMatching(/^must be an object/) }),
    ]);
  });

  it('tells the faults of every part at once', () => {
    const pointers = faultsOf({
      name: 'a',
      input_schema: { type: 'object', properties: { a: { type: 'text' } } },
      output_schema: { pattern: '(' },
      endpoint: { url: 'http://a', protocol: 'rows', request: '(' },
      colour: 'red',
    }).map(({ pointer }) => pointer);
    expect(pointers.sort()).toEqual([
      '',
      '/colour',
      '/endpoint',
      '/endpoint/request',
      '/input_schema/properties/a/type',
      '/output_schema/pattern',
    ]);
  });

  it('takes examples whose output tells only a part', () => {
    const definition = plainDefinition({
      output_schema: { type: 'object', required: ['prediction', 'confidence'] },
      examples: [{ input: { text: 'a' }, output: { prediction: 'b' } }],
    });
    expect(faultsOf(definition)).toEqual([]);
  });
});
