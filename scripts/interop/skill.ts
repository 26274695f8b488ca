import type { JsonObject } from '../../src/contracts/json.ts';
import type { WrittenSkill } from './model-server.ts';

/** Makes a definition that shows every answer of the server as it is: nothing is cached, nothing tried again. */
export function writeSkill(
  name: string,
  endpoint: JsonObject,
  inputs: JsonObject,
  outputs: JsonObject,
  more: JsonObject = {},
): WrittenSkill {
  return {
    name,
    description: `Calls ${String(endpoint.model)} to see how its server answers.`,
    input_schema: { type: 'object', properties: inputs, required: Object.keys(inputs) },
    output_schema: { type: 'object', properties: outputs, required: Object.keys(outputs) },
    endpoint,
    cache: { enabled: false },
    retry: { max_attempts: 1 },
    breaker: { failures: 1000 },
    concurrency: { max: 32 },
    readiness: { interval_ms: 1000 },
    ...more,
  };
}

/** The JSON Schema of a list of numbers. */
export const numbers: JsonObject = { type: 'array', items: { type: 'number' } };
