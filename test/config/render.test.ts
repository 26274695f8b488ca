import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { renderConfigurationPage, renderEnvExample } from '../../src/config/render.ts';
import { variables } from '../../src/config/variables.ts';

const root = join(import.meta.dirname, '../..');

test('.env.example and docs/configuration.md are in step with the table of variables', () => {
  expect(readFileSync(join(root, '.env.example'), 'utf8')).toBe(renderEnvExample());
  expect(readFileSync(join(root, 'docs/configuration.md'), 'utf8')).toBe(renderConfigurationPage());
});

test('every variable is in both', () => {
  for (const { name } of Object.values(variables)) {
    expect(renderEnvExample()).toContain(`\n# ${name}=`);
    expect(renderConfigurationPage()).toContain(`| \`${name}\``);
  }
});

test('.env.example with its comment signs taken away gives the defaults', () => {
  const assignments = [...renderEnvExample().matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
    name,
    value,
  ]);
  const { secret: _one, ...read } = loadConfig(Object.fromEntries(assignments));
  const { secret: _other, ...defaults } = loadConfig({});
  expect(read).toEqual(defaults);
});

test('a property is named as its variable', () => {
  for (const [property, { name }] of Object.entries(variables)) {
    expect(property.replace(/[A-Z]/g, '_$&').toUpperCase()).toBe(name);
  }
});
