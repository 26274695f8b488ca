import { errorTable } from '../../contracts/errors.ts';
import type { JsonObject, JsonSchema, JsonValue } from '../../contracts/json.ts';
import { problemMediaType } from '../../contracts/problem.ts';
import { type CallError, callErrors } from '../call-errors.ts';

/** A reference to a schema of the document. */
export const schemaRef = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** The parameter of every path of one skill. */
export const skillName = {
  name: 'name',
  in: 'path',
  required: true,
  description: 'The name of a skill.',
  schema: { type: 'string' },
};

/** The content of a JSON body. */
export function jsonContent(schema: JsonSchema, examples: JsonObject = {}): JsonObject {
  return {
    'application/json': { schema, ...(Object.keys(examples).length > 0 && { examples }) },
  };
}

/** A response with a body of some media type. */
export function response(description: string, content: JsonObject): JsonObject {
  return { description, content };
}

/** The content of a text of some media type. */
export const textContent = (mediaType: string): JsonObject => ({
  [mediaType]: { schema: { type: 'string' } },
});

const callErrorsByStatus = [...Map.groupBy(callErrors, ({ status }) => status)];

/** The errors of a call, a response for each status: its codes, and what to do about each. */
export const callErrorComponents: JsonObject = Object.fromEntries(
  callErrorsByStatus.map(([status, errors]) => [`CallError${status}`, problemResponse(errors)]),
);

/** The same by status, as references. */
export const callErrorResponses: JsonObject = Object.fromEntries(
  callErrorsByStatus.map(([status]) => [
    String(status),
    { $ref: `#/components/responses/CallError${status}` },
  ]),
);

/** The responses that a route shares with all that need credentials. */
export const accessResponses: JsonObject = pickResponses('unauthenticated', 'rate_limited');

/** The responses to these errors, by status. */
export function pickResponses(...codes: readonly (keyof typeof errorTable)[]): JsonObject {
  return Object.fromEntries(
    codes.map((code) => [String(errorTable[code].status), problemResponse([{ code, ...errorTable[code] }])]),
  );
}

function problemResponse(errors: readonly CallError[]): JsonObject {
  const description = errors
    .map(({ code, title, remedy }) => `\`${code}\`: ${title}. ${remedy}`)
    .join('\n\n');
  const isForLater = errors.some(({ status }) => status === 429 || status === 503);
  const examples = Object.fromEntries(errors.map((error) => [error.code, { value: problemExample(error) }]));
  return {
    description,
    ...(isForLater && { headers: { 'Retry-After': { $ref: '#/components/headers/Retry-After' } } }),
    content: { [problemMediaType]: { schema: schemaRef('Problem'), examples } },
  };
}

function problemExample({ code, status, title }: CallError): JsonValue {
  return {
    type: `urn:skillgate:error:${code}`,
    title,
    status,
    detail: 'What happened this time.',
    code,
    request_id: '0b0e1f4e-6d5c-4f0e-9b1a-6f3a5f0c7a11',
    ...(code === 'invalid_input' && {
      errors: [{ pointer: '/text', keyword: 'required', message: 'is missing' }],
    }),
  };
}
