import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { skillDefinitionSchema } from '../../src/contracts/skill-definition.ts';
import { startApp, type WrittenDefinition } from '../app.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/gpu.md'), 'utf8');
const documented = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(
  ([, text = '']) => JSON.parse(text) as WrittenDefinition,
);

describe('docs/gpu.md', () => {
  it('has definitions that load', async () => {
    const env = { GPU_POOLS: 'default:24000', MODELS_CLIENT_SECRET: 'secret' };
    const { app } = await startApp(documented, env);
    expect(app.gateway.catalog.list()).toHaveLength(documented.length);
    expect(documented.length).toBeGreaterThanOrEqual(5);
  });

  it('names every GPU source with its demands, and no other', () => {
    const rows = [...page.matchAll(/^\| `((?!source)[a-z-]+)` \|[^|]*\| (.*) \|$/gm)];
    const described = rows.map(([, source, demands = '']) => [
      source,
      [...demands.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name).toSorted(),
    ]);
    const { oneOf } = skillDefinitionSchema.properties.readiness.properties.gpu;
    const known = oneOf.map(({ properties: { source, ...rest } }) => [
      source.const,
      Object.keys(rest)
        .filter((name) => name !== 'url')
        .toSorted(),
    ]);
    expect(described).toEqual(known);
  });
});
