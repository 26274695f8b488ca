import fc from 'fast-check';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contracts/json.ts';
import { toAgentSkillNames } from '../../src/exports/agent-skill-name.ts';
import { createSkillExports } from '../../src/exports/skill-exports.ts';
import { compileGood, plainDefinition } from '../skills/fixtures.ts';
import { agentSkillFaults } from './agent-skill-rules.ts';

const exports = createSkillExports('1.0.0');
const url = 'http://127.0.0.1:8080';

/** The Agent Skill of a definition, as if it had no neighbours. */
function agentSkillOf(changes: JsonObject = {}, names: readonly string[] = []) {
  const compiled = { ...compileGood(plainDefinition(changes)), file: 'a.json', loadSeconds: 0 };
  return exports.agentSkill(compiled, names, url);
}

function markdownOf(changes: JsonObject): string {
  return agentSkillOf(changes).files.find(({ path }) => path === 'SKILL.md')?.text ?? '';
}

describe('the names of Agent Skills', () => {
  it('have hyphens for underscores, and never two of them', () => {
    expect([...toAgentSkillNames(['detect_language', 'a__b--c_', 'plain'])]).toEqual([
      ['plain', 'plain'],
      ['a__b--c_', 'a-b-c'],
      ['detect_language', 'detect-language'],
    ]);
  });

  it('stay apart where skills differ in an underscore only; the one that fits as it is keeps its name', () => {
    const names = toAgentSkillNames(['a_b', 'a-b', 'a__b']);
    expect(names.get('a-b')).toBe('a-b');
    expect(new Set(names.values()).size).toBe(3);
  });

  it('keep the rules and are unique, whatever the skills are called', () => {
    const skillName = fc.stringMatching(/^[a-z][a-z0-9_-]{0,47}$/);
    fc.assert(
      fc.property(fc.uniqueArray(skillName, { maxLength: 20 }), (skills) => {
        const names = toAgentSkillNames(skills);
        expect(new Set(names.values()).size).toBe(skills.length);
        for (const name of names.values()) expect(name).toMatch(/^(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*$/);
      }),
    );
  });
});

describe('a SKILL.md', () => {
  it('keeps the rules of Agent Skills, whatever the description says', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3000 }),
      fc.constantFrom(
        '--- <b>bold</b> "quoted" \\ : # | ` \n---\nname: other',
        'word '.repeat(400),
        '\u0000',
        '"',
        '> x',
      ),
    );
    fc.assert(
      fc.property(text, text, (description, title) => {
        fc.pre(description.trim() !== '');
        const { name, files } = agentSkillOf({ description, title });
        expect(agentSkillFaults(files[0]?.text ?? '', name)).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('stays below 500 lines where the schemas have hundreds of fields', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 600 }, (_, index) => [`field_${index}`, { type: 'string' }]),
    );
    const schema = { type: 'object', properties };
    const { name, files } = agentSkillOf({ input_schema: schema, output_schema: schema });
    expect(agentSkillFaults(files[0]?.text ?? '', name)).toEqual([]);
    expect(files[0]?.text).toContain('540 more fields');
  });

  it('shows nested input, limits and references as a table that no text can break', () => {
    const markdown = markdownOf({
      input_schema: {
        type: 'object',
        $defs: {
          point: { type: 'object', properties: { x: { type: 'number', minimum: 0 } }, required: ['x'] },
        },
        properties: {
          points: { type: 'array', items: { $ref: '#/$defs/point' }, maxItems: 3, description: 'a | b\nc' },
          mode: { enum: ['fast', 'good'], default: 'fast' },
        },
        required: ['points'],
      },
    });
    expect(markdown).toContain(`| field | type | required | meaning |
|---|---|---|---|
| \`points\` | array of object, number of items at most 3 | yes | a \\| b c |
| \`points[].x\` | number, at least 0 | yes |  |
| \`mode\` | one of "fast", "good" | no |  |
`);
  });

  it('shows an output that is no object as it is, and an example with its answer', () => {
    const markdown = markdownOf({
      output_schema: { type: 'array', items: { type: 'number' } },
      examples: [{ input: { text: "it's" }, output: [1] }],
    });
    expect(markdown).toContain('| (the value itself) | array of number | yes |');
    expect(markdown).toContain('Output: `[1]`');
    expect(markdown).toContain(`sh scripts/call.sh '{"text":"it'\\''s"}'`);
  });

  it('tells an either-or at the root, and the fields of all its branches', () => {
    const markdown = markdownOf({
      input_schema: {
        type: 'object',
        anyOf: [
          { properties: { url: { type: 'string' } }, required: ['url'] },
          { properties: { file: { type: 'string' } }, required: ['file'] },
        ],
      },
    });
    expect(markdown).toContain('| `url` | string | no |');
    expect(markdown).toContain('It also has to fit this JSON Schema: `{"anyOf":');
  });

  it('says of every error of a call what to do', () => {
    const markdown = markdownOf({});
    expect(markdown).toMatch(/\| `model_not_ready` \| The model is not ready \| .*Retry-After/);
    expect(markdown).toMatch(/\| `invalid_input` \|/);
    expect(markdown).not.toContain('`cancelled`');
  });
});

describe('a .skill file', () => {
  it('holds the folder of the skill, with a script that may be executed', () => {
    const skill = agentSkillOf({ name: 'detect_language' });
    const archive = exports.archive(skill);
    const files = unzipSync(archive);
    expect(Object.keys(files)).toEqual(['detect-language/SKILL.md', 'detect-language/scripts/call.sh']);
    expect(new TextDecoder().decode(files['detect-language/SKILL.md'])).toBe(skill.files[0]?.text);
    expect(modesOf(archive)).toEqual([0o100644, 0o100755]);
  });

  it('is the same bytes every time', () => {
    expect(exports.archive(agentSkillOf())).toEqual(exports.archive(agentSkillOf()));
  });
});

/** The Unix modes in the central directory of a zip archive (APPNOTE.TXT, section 4.3.12). */
function modesOf(archive: Uint8Array): number[] {
  const bytes = Buffer.from(archive);
  const modes: number[] = [];
  for (let at = bytes.indexOf('PK\u0001\u0002'); at !== -1; at = bytes.indexOf('PK\u0001\u0002', at + 1)) {
    modes.push(bytes.readUInt32LE(at + 38) >>> 16);
  }
  return modes;
}
