import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyNames, skillName, uniqueNames } from '../../src/importers/names.ts';
import { anyText } from './accepted.ts';

describe('the name of a skill', () => {
  it.each([
    ['resnet50', 'resnet50'],
    ['meta-llama/Llama-3.2-1B', 'llama-3_2-1b'],
    ['/models/Qwen2.5 Q4.gguf', 'qwen2_5_q4'],
    ['llama3.2:latest', 'llama3_2_latest'],
    ['50-words', 'model_50-words'],
    ['Größe', 'gro_e'],
    ['模型', 'model'],
  ])('is made of %s', (text, name) => {
    expect(skillName(text)).toBe(name);
  });

  it('is one that a skill can have, whatever it is made of, and nobody else’s', () => {
    fc.assert(
      fc.property(fc.array(anyText(), { maxLength: 12 }), (texts) => {
        const names = uniqueNames(texts.map(skillName));
        for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_-]{0,47}$/);
        expect(new Set(names).size).toBe(texts.length);
      }),
    );
  });
});

describe('the names of properties', () => {
  it('are those of the tensors where Claude takes them, and each its own', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyText({ maxLength: 90 }), { maxLength: 12 }), (texts) => {
        const names = propertyNames(texts.map((name) => ({ name })));
        for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_.-]{1,64}$/);
        expect(new Set(names).size).toBe(texts.length);
      }),
    );
    expect(propertyNames([{ name: 'x' }, { name: 'input:0' }, { name: 'input/0' }])).toEqual([
      'x',
      'input_0',
      'input_0_2',
    ]);
  });
});
