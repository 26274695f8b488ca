import { isJsonObject, type JsonSchema, type JsonValue } from '../contracts/json.ts';
import type { CompiledSkill } from '../contracts/skill.ts';
import type { SkillExample } from '../contracts/skill-definition.ts';
import { answerSchema } from './answer-schema.ts';
import { callErrors } from './call-errors.ts';
import { flattenRoot } from './flatten-root.ts';
import { codeSpan, markdownTable, oneLine } from './markdown-table.ts';
import { fieldsOf } from './schema-fields.ts';
import { shellWord } from './shell-word.ts';

/** The format's limit on a description, in characters. */
const maxDescription = 1024;
/** So many fields at most, since a SKILL.md has to stay below 500 lines. */
const maxFields = 60;
/** So many examples at most, and only short ones. */
const maxExamples = 3;
const maxExampleLength = 2000;

/**
 * The SKILL.md of a skill (agentskills.io): when to use it, how to call it, its input and output, examples, and what to
 * do about each error.
 *
 * @param name the name of the Agent Skill
 */
export function skillMarkdown({ definition, toolSchemas }: CompiledSkill, name: string): string {
  const { schema: input, rule } = flattenRoot(toolSchemas.input);
  const examples = definition.examples.filter(isShort).slice(0, maxExamples);
  const firstInput = examples[0]?.input ?? sketchOf(input);
  const sections = [
    frontMatter(name, definition),
    `# ${oneLine(definition.title ?? definition.name)}`,
    definition.description.trim(),
    `## How to call it

Run \`scripts/call.sh\` in this skill's folder with the input as JSON. It needs sh and curl, and nothing else.

\`\`\`sh
sh scripts/call.sh ${shellWord(JSON.stringify(firstInput))}
\`\`\`

Other ways to give the input: \`@FILE\`, or \`-\` for standard input, which is best for long texts. The output comes on
standard output as JSON, and the exit status is 0. Otherwise standard error has the error, and the exit status is 1.

The environment variable \`SKILLGATE_URL\` says where the gateway is, and \`SKILLGATE_API_KEY\` is sent where it asks for
a key. Never write the key into a file or a command.`,
    `## Input\n\n${fieldTable(input)}${ruleInWords(rule)}`,
    `## Output\n\n${fieldTable(answerSchema(toolSchemas))}`,
    ...(examples.length > 0 ? [`## Examples\n\n${examples.map(exampleInWords).join('\n\n')}`] : []),
    `## Errors

An error is a JSON object. \`code\` says what it is, \`detail\` what happened this time, and \`errors\`, where the input
was wrong, each place in it and what it has to be.

${markdownTable(
  ['code', 'meaning', 'what to do'],
  callErrors.map(({ code, title, remedy }) => [codeSpan(code), title, remedy]),
)}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** YAML, of which JSON strings are a part. */
function frontMatter(
  name: string,
  { name: skill, version, description }: CompiledSkill['definition'],
): string {
  return `---
name: ${name}
description: ${JSON.stringify(plainDescription(description) || `Calls the model ${skill}.`)}
compatibility: "Needs sh and curl, and a Skillgate gateway that can be reached."
metadata:
  skillgate-skill: ${JSON.stringify(skill)}
  version: ${JSON.stringify(version)}
---`;
}

/** On one line, without angle brackets, and cut at the end of a word where it is too long. */
function plainDescription(description: string): string {
  const line = oneLine(description.replaceAll('<', '(').replaceAll('>', ')'));
  if (line.length <= maxDescription) return line;
  return `${line
    .slice(0, maxDescription - 1)
    .toWellFormed()
    .replace(/\s+\S*$/, '')}…`;
}

function fieldTable(schema: JsonSchema): string {
  const fields = fieldsOf(schema);
  const table = markdownTable(
    ['field', 'type', 'required', 'meaning'],
    fields
      .slice(0, maxFields)
      .map(({ path, type, isRequired, description }) => [
        path === '' ? '(the value itself)' : codeSpan(path),
        type,
        isRequired ? 'yes' : 'no',
        description,
      ]),
  );
  const left = fields.length - maxFields;
  return left > 0 ? `${table}\n\n${left} more fields: \`GET /skills/{name}\` has the whole schema.` : table;
}

function ruleInWords(rule: JsonValue | undefined): string {
  if (rule === undefined) return '';
  const text = JSON.stringify(rule);
  return text.length <= maxExampleLength ? `\n\nIt also has to fit this JSON Schema: ${codeSpan(text)}` : '';
}

function exampleInWords({ input, output }: SkillExample): string {
  const lines = [`Input: ${codeSpan(JSON.stringify(input))}`];
  if (output !== undefined) lines.push(`Output: ${codeSpan(JSON.stringify(output))}`);
  return lines.join('\n\n');
}

function isShort(example: SkillExample): boolean {
  return JSON.stringify(example).length <= maxExampleLength;
}

/** What an input looks like where the definition has no example: its required fields, each with its type. */
function sketchOf(schema: JsonSchema): JsonValue {
  const { properties, required } = schema;
  if (!isJsonObject(properties)) return {};
  const names =
    Array.isArray(required) && required.length > 0 ? required : Object.keys(properties).slice(0, 1);
  return Object.fromEntries(
    names.flatMap((name) => (typeof name === 'string' ? [[name, sketchOfField(properties[name])]] : [])),
  );
}

function sketchOfField(schema: JsonValue | undefined): JsonValue {
  if (!isJsonObject(schema)) return '…';
  const [first] = [schema.const, schema.default, ...[schema.enum, schema.examples].flat()].filter(
    (value) => value !== undefined,
  );
  if (first !== undefined) return first;
  const type = [schema.type].flat()[0];
  if (type === 'number' || type === 'integer') return typeof schema.minimum === 'number' ? schema.minimum : 0;
  if (type === 'boolean') return true;
  if (type === 'array') return [];
  if (type === 'object') return sketchOf(schema);
  return '…';
}
