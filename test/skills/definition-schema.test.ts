import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isJsonObject, type JsonObject } from '../../src/contracts/json.ts';
import { protocols } from '../../src/protocols.ts';
import { fullDefinitionSchema } from '../../src/skills/definition-schema.ts';
import { findSchemaFaults } from '../../src/skills/schema-faults.ts';
import { walkSchema } from '../../src/skills/schema-walk.ts';
import { compileValidator } from '../../src/skills/validator.ts';
import { plainDefinition } from './fixtures.ts';

const schema = fullDefinitionSchema(protocols);

describe("the definition's own schema", () => {
  it('is schemas/skill.schema.json', async () => {
    const path = join(import.meta.dirname, '../../schemas/skill.schema.json');
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(schema);
  });

  it('is JSON Schema 2020-12 without faults, and refers to nothing outside', () => {
    expect(findSchemaFaults(schema)).toEqual([]);
  });

  it('describes every property, so that editors can', () => {
    const undescribed = [...walkSchema(schema)]
      // A condition only chooses; what it leads to is described.
      .filter(({ pointer }) => !/\/(if|then)$/.test(pointer))
      .flatMap(({ schema: { properties }, pointer }) =>
        Object.entries(isJsonObject(properties) ? properties : {})
          .filter(
            ([name, property]) =>
              name !== '$schema' && !(isJsonObject(property) && 'description' in property),
          )
          .map(([name]) => `${pointer}/properties/${name}`),
      );
    expect(undescribed).toEqual([]);
  });

  it.each<[string, JsonObject, number]>([
    ['takes options of the default protocol where none is named', { url: 'http://a', options: {} }, 0],
    ["refuses another protocol's options", { url: 'http://a', options: { signature_name: 's' } }, 1],
    ['refuses an unknown protocol', { url: 'http://a', protocol: 'grpc' }, 1],
  ])('%s', (_, endpoint, faults) => {
    expect(compileValidator(schema)(plainDefinition({ endpoint }))).toHaveLength(faults);
  });
});
