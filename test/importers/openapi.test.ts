import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/contracts/json.ts';
import { importOpenapi } from '../../src/importers/openapi.ts';
import { knownFormats } from '../../src/skills/validator.ts';
import { expectAccepted } from './accepted.ts';

const documentUrl = new URL('http://localhost:8000/openapi.json');

/** Imports a document with one route that takes this body. */
function importBody(schema: JsonValue, more: { readonly [key: string]: JsonValue } = {}) {
  const answers = { 200: { content: { 'application/json': { schema: { type: 'object' } } } } };
  const post = { requestBody: { content: { 'application/json': { schema } } }, responses: answers };
  return importOpenapi(
    { openapi: '3.0.3', paths: { '/run': { post } }, ...more },
    { documentUrl, knownFormats },
  );
}

describe('the schema of a body', () => {
  it('is brought from OpenAPI 3.0 to JSON Schema 2020-12', () => {
    const imported = importBody({
      type: 'object',
      properties: {
        age: { type: 'integer', minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
        name: { type: 'string', nullable: true, example: 'Ada', pattern: '(?P<odd>x)' },
        kind: { type: 'string', enum: ['a'], nullable: true },
        format: { type: 'string', format: 'odd-format' },
      },
    });
    expectAccepted(imported);
    expect(imported.skills[0]?.definition.input_schema).toEqual({
      type: 'object',
      properties: {
        age: { type: 'integer', exclusiveMinimum: 0, maximum: 9 },
        name: { type: ['string', 'null'] },
        kind: { type: ['string', 'null'], enum: ['a', null] },
        format: { type: 'string' },
      },
    });
  });

  it('takes in what it refers to, also where that refers to itself', () => {
    const schemas = {
      Node: {
        type: 'object',
        properties: {
          next: { $ref: '#/components/schemas/Node' },
          leaf: { $ref: '#/components/schemas/a~1b' },
        },
      },
      'a/b': { type: 'string' },
    };
    const imported = importBody({ $ref: '#/components/schemas/Node' }, { components: { schemas } });
    expectAccepted(imported);
    expect(imported.skills[0]?.definition.input_schema).toMatchObject({
      type: 'object',
      $defs: { a_1b: { type: 'string' }, Node: { properties: { next: { $ref: '#/$defs/Node' } } } },
    });
  });

  it('may have a name that no definition may have', () => {
    const schemas = { é_proto__: { type: 'string' } };
    const imported = importBody({ $ref: '#/components/schemas/é_proto__' }, { components: { schemas } });
    expectAccepted(imported);
    const list = { type: 'array', items: { $ref: '#/components/schemas/é_proto__' } };
    expectAccepted(importBody(list, { components: { schemas } }));
  });

  it.each([
    ['other.json#/Body', 'refers to other.json#/Body, which is outside of the document'],
    ['#/components/schemas/None', 'refers to #/components/schemas/None, which is not in the document'],
  ])('cannot refer to %s', (reference, reason) => {
    const { skills, omissions } = importBody({ $ref: reference });
    expect({ skills, omissions }).toEqual({ skills: [], omissions: [{ what: 'POST /run', reason }] });
  });

  it('that is only itself is refused', () => {
    const schemas = { Loop: { $ref: '#/components/schemas/Loop' } };
    const { omissions } = importBody({ $ref: '#/components/schemas/Loop' }, { components: { schemas } });
    expect(omissions[0]?.reason).toContain('only itself');
  });

  it.each<[string, JsonValue, boolean]>([
    ['a list', { type: 'array', items: {} }, true],
    ['anything', {}, true],
    ['an object in parts', { allOf: [{ type: 'object' }, { properties: {} }] }, false],
    ['an object without its type', { properties: { a: {} } }, false],
    ['one of several kinds', { anyOf: [{ type: 'object' }, { type: 'string' }] }, true],
  ])('becomes a property where it is no object: %s', (_, schema, isWrapped) => {
    const imported = importBody(schema);
    expectAccepted(imported);
    expect(imported.skills[0]?.definition.endpoint.request).toBe(isWrapped ? 'body' : undefined);
  });

  it('passes the checks, but where it refers to itself without end', () => {
    // A document with a member __proto__ is refused before it comes here.
    const name = fc.string().filter((text) => text !== '__proto__');
    const { schema } = fc.letrec<{ schema: JsonValue }>((tie) => ({
      schema: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<JsonValue[]>(
          {},
          { type: 'string', nullable: true },
          { type: 'number', exclusiveMaximum: true, maximum: 1 },
          { $ref: '#/components/schemas/A' },
          { $ref: '#/components/schemas/B' },
        ),
        fc.record({ type: fc.constant('array'), items: tie('schema') }),
        fc.record({
          type: fc.constant('object'),
          properties: fc.dictionary(name, tie('schema'), { maxKeys: 3 }),
        }),
        fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
      ) as fc.Arbitrary<JsonValue>,
    }));
    fc.assert(
      fc.property(schema, schema, schema, (body, A, B) => {
        const imported = importBody(body, { components: { schemas: { A, B } } });
        expectAccepted(imported, /refers to itself without end|Maximum call stack/);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the description', () => {
  const described = (operation: { readonly [key: string]: JsonValue }) => {
    const requestBody = { content: { 'application/json': { schema: { type: 'object' } } } };
    const document = {
      openapi: '3.1.0',
      info: { title: 'Moods' },
      paths: { '/run': { post: { requestBody, responses: {}, ...operation } } },
    };
    return importOpenapi(document, { documentUrl, knownFormats }).skills[0];
  };

  it('is that of the route, where it has one', () => {
    const skill = described({ summary: 'Run', description: 'Tells the mood of a text.' });
    expect(skill?.definition.description).toBe('Run. Tells the mood of a text.');
    expect(skill?.hints.map(({ pointer }) => pointer)).toEqual(['/output_schema']);
  });

  it('is to be filled in where there is a name at most', () => {
    const skill = described({ summary: 'Run' });
    expect(skill?.definition.description).toMatch(/^Run\. Calls \/run of Moods\. \(To fill in: /);
    expect(skill?.hints.map(({ pointer }) => pointer)).toEqual(['/description', '/output_schema']);
  });
});

describe('the service', () => {
  it('is where the document says, with its credentials to fill in', () => {
    const { skills } = importBody(
      { type: 'object' },
      {
        servers: [{ url: 'https://{host}.example/v1/', variables: { host: { default: 'moods' } } }],
        security: [{ HTTPBearer: [] }],
      },
    );
    expect(skills[0]?.definition.endpoint.url).toBe('https://moods.example/v1/run');
    expect(skills[0]?.hints.map(({ pointer }) => pointer)).toEqual([
      '/description',
      '/endpoint/url',
      '/auth',
    ]);
  });
});
