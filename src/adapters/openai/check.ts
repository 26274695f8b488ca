import type { EndpointFault } from '../../contracts/adapter.ts';
import { isJsonObject } from '../../contracts/json.ts';
import type { SkillDefinition } from '../../contracts/skill-definition.ts';
import { endpointFaults } from '../shared/endpoint.ts';
import { embeddedProperty } from './embeddings.ts';
import { type OpenaiOptions, optionsOf } from './options.ts';
import { namesIn } from './template.ts';

/** Finds what the schema cannot see: options that do not go together, and names that the input does not have. */
export function checkDefinition(definition: SkillDefinition): readonly EndpointFault[] {
  const options = optionsOf(definition.endpoint.options);
  const faults = [...endpointFaults(definition), ...optionFaults(options)];
  if (definition.readiness.load && definition.endpoint.model === undefined) {
    faults.push({ pointer: '/endpoint', reason: 'has to name the model that is loaded, in `model`' });
  }
  const { properties } = definition.input_schema;
  if (!isJsonObject(properties)) return faults;
  return [...faults, ...nameFaults(definition, options, new Set(Object.keys(properties)))];
}

/** Only texts that are embedded go together; each generation is streamed on its own. */
export function checkBatching({ endpoint }: SkillDefinition): readonly EndpointFault[] {
  if (endpoint.options.api !== 'embeddings') {
    return [{ pointer: '/endpoint/options/api', reason: 'has to be embeddings where there is /batching' }];
  }
  const mapped = endpoint.request === undefined ? 'response' : 'request';
  if (endpoint[mapped] === undefined) return [];
  return [
    { pointer: `/endpoint/${mapped}`, reason: 'cannot stand beside /batching: rows become one request' },
  ];
}

function optionFaults(options: OpenaiOptions): EndpointFault[] {
  const faults: EndpointFault[] = [];
  const add = (option: string, reason: string): void => {
    faults.push({ pointer: `/endpoint/options/${option}`, reason });
  };
  const generates = options.api === undefined || options.api === 'chat' || options.api === 'completions';
  if (options.structured_output === 'format' && options.api !== undefined && options.api !== 'chat') {
    add('structured_output', 'can be "format" with the api chat only');
  }
  if (options.api === 'completions' && (options.messages || options.system !== undefined)) {
    add('api', 'takes no messages and no system prompt; they are for chat');
  }
  if (options.messages && (options.prompt !== undefined || options.system !== undefined)) {
    add('messages', 'cannot stand beside prompt or system');
  }
  if (options.output_name !== undefined && options.output !== 'text') {
    add('output_name', 'is for the output text');
  }
  if (!generates) {
    for (const name of ['system', 'prompt', 'messages', 'output', 'output_name'] as const) {
      if (options[name] !== undefined) add(name, 'is for chat and completions');
    }
  }
  return faults;
}

function nameFaults(
  definition: SkillDefinition,
  options: OpenaiOptions,
  properties: ReadonlySet<string>,
): EndpointFault[] {
  const templates: [string, string | undefined][] = [
    ['system', options.system],
    ['prompt', options.prompt],
    ...(options.messages ?? []).map(({ content }, index): [string, string] => [
      `messages/${index}/content`,
      content,
    ]),
  ];
  const faults: EndpointFault[] = [];
  for (const [place, template = ''] of templates) {
    for (const name of namesIn(template)) {
      if (properties.has(name)) continue;
      const reason = `names {{${name}}}, which is no property of the input schema`;
      faults.push({ pointer: `/endpoint/options/${place}`, reason });
    }
  }
  if (definition.endpoint.request !== undefined) return faults;
  if (options.api === 'embeddings') {
    const property = embeddedProperty(definition.input_schema, options.input_name);
    if (property === undefined || !properties.has(property)) {
      const reason = 'has to name the property of the input schema that holds the text';
      faults.push({ pointer: '/endpoint/options/input_name', reason });
    }
  }
  if (options.api === 'rerank' && !(properties.has('query') && properties.has('documents'))) {
    const reason = 'takes an input with the properties query and documents, or an endpoint.request';
    faults.push({ pointer: '/endpoint/options/api', reason });
  }
  return faults;
}
