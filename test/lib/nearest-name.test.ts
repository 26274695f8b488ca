import { describe, expect, it } from 'vitest';
import { nearestName } from '../../src/lib/nearest-name.ts';

const known = ['name', 'input_schema', 'output_schema', 'endpoint', 'url'];

describe('nearestName', () => {
  it.each([
    ['inputSchema', 'input_schema'],
    ['output-schema', 'output_schema'],
    ['endpiont', 'endpoint'],
    ['nam', 'name'],
    ['Name', 'name'],
  ])('takes %s for %s', (name, meant) => {
    expect(nearestName(name, known)).toBe(meant);
  });

  it.each(['colour', 'x', 'n'.repeat(100)])('has no guess for %s', (name) => {
    expect(nearestName(name, known)).toBeUndefined();
  });
});
