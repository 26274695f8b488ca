import { isJsonObject, type JsonSchema } from '../contracts/json.ts';
import type { CompiledSkill } from '../contracts/skill.ts';
import { escapePointer } from '../lib/json-shape.ts';
import type { DefinitionFault } from './fault.ts';
import { ownMember, walkSchema } from './schema-walk.ts';
import { statedLength } from './stated-length.ts';

/** A place in a good definition of which some client of Claude's side makes less than it says. */
export interface ClientWarning extends DefinitionFault {
  /** What to write instead. */
  readonly instead: string;
}

/** A warning of one of the files of SKILLS_DIR. */
export interface SkillWarning extends ClientWarning {
  /** Relative to SKILLS_DIR. */
  readonly file: string;
}

const maxAgentSkillDescription = 1024;
const maxToolDescription = 2048;
/** Claude Code's own limit is 128; other clients refuse names over 64. */
const maxToolName = 64;
/** What stands before a tool's name where the gateway comes as the plugin that `skillgate export` writes. */
const pluginPrefix = 'mcp__plugin_skillgate_skillgate__';
const usableProperty = /^[a-zA-Z0-9_.-]{1,64}$/;
const reservedWord = /anthropic|claude/;
/** About 25,000 tokens, in characters of English or JSON. */
const maxOutputLength = 100_000;

/** Finds where clients would refuse or cut a skill, and says what to write instead. */
export function findClientWarnings(
  skill: Pick<CompiledSkill, 'definition' | 'toolSchemas'>,
): ClientWarning[] {
  const { input_schema, output_schema } = skill.definition;
  return [
    ...nameWarnings(skill.definition.name),
    ...descriptionWarnings(skill.definition.description),
    ...rootWarnings(input_schema),
    ...propertyNameWarnings(input_schema),
    ...silentProperties('/input_schema', input_schema, 'Claude has to guess what to send'),
    ...silentProperties('/output_schema', output_schema, 'Claude has to guess what the answer means'),
    ...outputWarnings(skill),
  ];
}

function nameWarnings(name: string): ClientWarning[] {
  const warnings: ClientWarning[] = [];
  const longest = maxToolName - pluginPrefix.length;
  if (name.length > longest) {
    warnings.push({
      pointer: '/name',
      reason: `with the prefix of a plugin (${pluginPrefix}) the name has ${pluginPrefix.length + name.length} characters; clients other than Claude Code refuse more than ${maxToolName}`,
      instead: `a name of at most ${longest} characters`,
    });
  }
  const [word] = reservedWord.exec(name) ?? [];
  if (word !== undefined) {
    warnings.push({
      pointer: '/name',
      reason: `Agent Skills must not have "${word}" in their name: an upload is refused`,
      instead: 'a name that says what the model does',
    });
  }
  return warnings;
}

function descriptionWarnings(description: string): ClientWarning[] {
  const warnings: ClientWarning[] = [];
  const { length } = description;
  if (length > maxAgentSkillDescription) {
    const isCutAsTool = length > maxToolDescription;
    warnings.push({
      pointer: '/description',
      reason: `has ${length} characters: Agent Skills cut it at ${maxAgentSkillDescription}${isCutAsTool ? `, and MCP clients near ${maxToolDescription}` : ''}`,
      instead: `what the skill does and when to use it, in at most ${maxAgentSkillDescription} characters; details belong into the descriptions of the properties`,
    });
  }
  if (/[<>]/.test(description)) {
    warnings.push({
      pointer: '/description',
      reason: 'has angle brackets, which Agent Skills refuse; the export writes parentheses',
      instead: 'words, or quotation marks, in place of < and >',
    });
  }
  return warnings;
}

function rootWarnings(schema: JsonSchema): ClientWarning[] {
  return ['anyOf', 'oneOf', 'allOf']
    .filter((keyword) => Object.hasOwn(schema, keyword))
    .map((keyword) => ({
      pointer: `/input_schema/${keyword}`,
      reason: `the Messages API refuses ${keyword} at the root, and Claude Code flattens it; GET /tools writes one object, with the rule in the description`,
      instead:
        'one object with optional properties, each saying in its description when it is due; or a skill for each case',
    }));
}

function propertyNameWarnings(schema: JsonSchema): ClientWarning[] {
  return [...walkSchema(schema)].flatMap(({ schema: place, pointer }) => {
    const properties = ownMember(place, 'properties');
    const required = ownMember(place, 'required');
    return Object.keys(isJsonObject(properties) ? properties : {})
      .filter((name) => !usableProperty.test(name))
      .map((name) => ({
        pointer: `/input_schema${pointer}/properties/${escapePointer(name)}`,
        reason:
          Array.isArray(required) && required.includes(name)
            ? 'clients refuse the tool for the name of this required property, and GET /tools leaves the skill out'
            : 'clients refuse the tool for the name of this property, and GET /tools leaves the property out',
        instead:
          'a name of 1 to 64 letters A to Z, digits, "_", "." and "-"; endpoint.request can give the model the other one',
      }));
  });
}

function silentProperties(pointer: string, schema: JsonSchema, consequence: string): ClientWarning[] {
  const silent = [...walkSchema(schema)].flatMap(({ schema: place }) => {
    const properties = ownMember(place, 'properties');
    return Object.entries(isJsonObject(properties) ? properties : {}).flatMap(([name, property]) =>
      isJsonObject(property) && !['description', '$ref', 'const'].some((keyword) => keyword in property)
        ? [name]
        : [],
    );
  });
  if (silent.length === 0) return [];
  const shown = silent.slice(0, 5).join(', ') + (silent.length > 5 ? ` and ${silent.length - 5} more` : '');
  return [
    {
      pointer,
      reason: `no description: ${shown}; ${consequence}`,
      instead: 'a "description" in each property: what it means, its unit, and an example where it helps',
    },
  ];
}

function outputWarnings({ definition, toolSchemas }: Pick<CompiledSkill, 'definition' | 'toolSchemas'>) {
  const warnings: ClientWarning[] = [];
  const consequence =
    'over about 25,000 tokens most clients cut a result, or write it to a file that Claude has to open';
  const instead = 'less in one answer: the best few, a summary, or a limit that the caller sets in the input';
  const length = statedLength(toolSchemas.output);
  if (length > maxOutputLength) {
    warnings.push({
      pointer: '/output_schema',
      reason: `its limits let an answer have about ${length} characters: ${consequence}`,
      instead,
    });
  }
  for (const [index, { output }] of definition.examples.entries()) {
    const exampleLength = output === undefined ? 0 : JSON.stringify(output).length;
    if (exampleLength > maxOutputLength) {
      warnings.push({
        pointer: `/examples/${index}/output`,
        reason: `has ${exampleLength} characters: ${consequence}`,
        instead,
      });
    }
  }
  return warnings;
}
