import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '../contracts/json.ts';
import { ImportError } from './import-error.ts';
import {
  descriptionHint,
  type Hint,
  type Imported,
  type ImportedSkill,
  type Omission,
  oddNameHint,
  openDescription,
} from './imported-skill.ts';
import { entriesOf, listAt, memberAt, textAt } from './json.ts';
import { propertyName, skillName } from './names.ts';
import { SchemaError, type SchemaReading, standaloneSchema } from './openapi-schema.ts';
import { objectSchema } from './tensor-schema.ts';

export interface OpenapiOptions {
  /** Where the document was read: servers without a host are on this one. */
  readonly documentUrl: URL;
  /** The formats that a definition may name. */
  readonly knownFormats: ReadonlySet<string>;
  /** The paths that are wanted; undefined for all. */
  readonly paths?: readonly string[] | undefined;
}

/** Where services tell whether they are ready, the best first. */
const readyPaths = ['/readyz', '/ready', '/health/ready', '/healthz', '/health', '/livez', '/ping'];

/** Whether a value is an OpenAPI document, of whatever version. */
export function isOpenapi(document: JsonValue | undefined): document is JsonObject {
  return textAt(document, 'openapi') !== undefined || textAt(document, 'swagger') !== undefined;
}

/**
 * Makes a skill of every POST with a JSON body in an OpenAPI document (3.0 and 3.1), such as FastAPI writes.
 *
 * @throws ImportError where the document is of another version, or has no such route
 */
export function importOpenapi(document: JsonValue, options: OpenapiOptions): Imported {
  const version = textAt(document, 'openapi') ?? textAt(document, 'swagger') ?? 'unknown';
  if (!version.startsWith('3.')) {
    throw new ImportError(`The document is OpenAPI ${version}; versions 3.0 and 3.1 can be imported.`);
  }
  const skills: ImportedSkill[] = [];
  const omissions: Omission[] = [];
  for (const [path, item] of entriesOf(memberAt(document, 'paths'))) {
    const operation = memberAt(item, 'post');
    if (operation === undefined || (options.paths && !options.paths.includes(path))) continue;
    const skill = importOperation({ path, item, operation, document }, options);
    if (typeof skill === 'string') omissions.push({ what: `POST ${path}`, reason: skill });
    else skills.push(skill);
  }
  return { skills, omissions };
}

/** The paths of a document that take a POST. */
export function postPaths(document: JsonValue): string[] {
  return entriesOf(memberAt(document, 'paths')).flatMap(([path, item]) =>
    memberAt(item, 'post') === undefined ? [] : [path],
  );
}

interface Route {
  readonly path: string;
  readonly item: JsonValue;
  readonly operation: JsonValue;
  readonly document: JsonValue;
}

/** @returns the skill, or why there is none, as the rest of a sentence */
function importOperation(
  { path, item, operation, document }: Route,
  { documentUrl, knownFormats }: OpenapiOptions,
): ImportedSkill | string {
  const reading: SchemaReading = { document, knownFormats };
  try {
    const needed = [...listAt(item, 'parameters'), ...listAt(operation, 'parameters')]
      .map((parameter) => followed(parameter, document))
      .filter((parameter) => memberAt(parameter, 'required') === true || textAt(parameter, 'in') === 'path');
    const [first] = needed;
    if (first === undefined && path.includes('{')) return 'has a path that differs from call to call';
    if (first !== undefined) {
      return `needs the ${textAt(first, 'in') ?? 'other'} parameter ${textAt(first, 'name') ?? ''}, and a skill sends a body alone`;
    }
    const body = jsonSchemaIn(followed(memberAt(operation, 'requestBody'), document));
    if ('reason' in body) return body.reason;
    const input = inputOf(standaloneSchema(body.schema, reading));
    const output = outputOf(operation, reading);
    const readyUrl = readyPaths.find((candidate) =>
      isPlainGet(memberAt(document, 'paths', candidate, 'get')),
    );
    const { url, base, isElsewhere } = serverUrl(document, path, documentUrl);
    const title = textAt(operation, 'summary');
    const told = describeOperation(path, operation, document);
    const definition = {
      name: skillName(operationName(path, operation)),
      ...(title !== undefined && { title }),
      description: told.description,
      input_schema: input.schema,
      output_schema: output ?? {},
      endpoint: {
        url,
        method: 'POST',
        ...(readyUrl !== undefined && { options: { ready_url: `${base}${readyUrl}` } }),
        ...(input.isWrapped && { request: 'body' }),
      },
    };
    return {
      definition,
      hints: [
        ...(told.isOpen ? [descriptionHint] : []),
        ...(output === undefined ? [outputHint] : []),
        ...(isElsewhere
          ? [
              {
                pointer: '/endpoint/url',
                text: `The document puts the service on ${new URL(url).host}: see that this is the server you mean.`,
              },
            ]
          : []),
        ...entriesOf(input.schema.properties)
          .filter(([property]) => propertyName(property) !== property)
          .map(([property]) => oddNameHint(property)),
        ...authHints(operation, document),
      ],
    };
  } catch (error) {
    if (error instanceof SchemaError) return error.message;
    throw error;
  }
}

/** The schema of the JSON body of a request or an answer; or why there is none, as the rest of a sentence. */
function jsonSchemaIn(
  holder: JsonValue | undefined,
): { readonly schema: JsonValue } | { readonly reason: string } {
  if (holder === undefined) return { reason: 'takes no body' };
  const content = entriesOf(memberAt(holder, 'content'));
  const found = content.find(([type]) => /^application\/(?:[\w.-]+\+)?json\b/i.test(type));
  if (found) return { schema: memberAt(found[1], 'schema') ?? {} };
  return { reason: `takes ${content.map(([type]) => type).join(', ') || 'a body of no kind'}, not JSON` };
}

/** Claude's tools take objects: another body becomes a property. */
function inputOf(schema: JsonSchema): { readonly schema: JsonSchema; readonly isWrapped: boolean } {
  if (schema.type === 'object') return { schema, isWrapped: false };
  const parts = ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) => listAt(schema, keyword));
  const isObjectLike =
    isJsonObject(schema.properties) ||
    (schema.type === undefined && parts.length > 0 && parts.every((part) => isObjectSchema(part, schema)));
  if (schema.type === undefined && isObjectLike)
    return { schema: { type: 'object', ...schema }, isWrapped: false };
  const { $defs, ...body } = schema;
  return {
    schema: { ...objectSchema({ body }), ...($defs !== undefined && { $defs }) },
    isWrapped: true,
  };
}

function isObjectSchema(part: JsonValue, root: JsonSchema): boolean {
  const reference = textAt(part, '$ref');
  const target = reference?.startsWith('#/$defs/') ? memberAt(root, '$defs', reference.slice(8)) : part;
  return memberAt(target, 'type') === 'object' || isJsonObject(memberAt(target, 'properties'));
}

function outputOf(operation: JsonValue, reading: SchemaReading): JsonSchema | undefined {
  const responses = memberAt(operation, 'responses');
  const answer = ['200', '201', '2XX', 'default']
    .map((status) => memberAt(responses, status))
    .find((candidate) => candidate !== undefined);
  const body = jsonSchemaIn(followed(answer, reading.document));
  if ('reason' in body) return undefined;
  const standalone = standaloneSchema(body.schema, reading);
  return Object.keys(standalone).some((key) => key !== 'title') ? standalone : undefined;
}

/** Follows the reference of a part that is no schema. */
function followed(part: JsonValue | undefined, document: JsonValue): JsonValue | undefined {
  const reference = textAt(part, '$ref');
  if (reference === undefined) return part;
  if (!reference.startsWith('#/'))
    throw new SchemaError(`refers to ${reference}, which is outside of the document`);
  return memberAt(document, ...reference.slice(2).split('/'));
}

function isPlainGet(operation: JsonValue | undefined): boolean {
  return (
    operation !== undefined &&
    listAt(operation, 'parameters').every((parameter) => memberAt(parameter, 'required') !== true)
  );
}

/** What the document says of a route. A summary alone, which FastAPI makes of a function's name, tells Claude nothing. */
function describeOperation(path: string, operation: JsonValue, document: JsonValue) {
  const summary = textAt(operation, 'summary');
  const description = textAt(operation, 'description');
  const told = [summary && `${summary.replace(/\.$/, '')}.`, description].filter(
    (text) => text !== undefined,
  );
  if (description !== undefined) return { description: told.join(' '), isOpen: false };
  const service = textAt(document, 'info', 'title') ?? 'a service';
  return { description: openDescription([...told, `Calls ${path} of ${service}.`].join(' ')), isOpen: true };
}

/** FastAPI makes an operation's id of its function, its path and its method: the function is the name. */
function operationName(path: string, operation: JsonValue): string {
  const id = textAt(operation, 'operationId');
  const slug = path.replaceAll(/[^A-Za-z0-9]/g, '_');
  if (id === undefined) return path.split('/').filter(Boolean).join('_') || 'call';
  return (id.endsWith(`${slug}_post`) && id.slice(0, -`${slug}_post`.length)) || id;
}

interface Server {
  readonly url: string;
  /** What stands before the paths of the document. */
  readonly base: string;
  readonly isElsewhere: boolean;
}

function serverUrl(document: JsonValue, path: string, documentUrl: URL): Server {
  const [server] = listAt(document, 'servers');
  const template = textAt(server, 'url') ?? '/';
  const filled = template.replaceAll(
    /\{([^}]*)\}/g,
    (_whole, name: string) => textAt(server, 'variables', name, 'default') ?? '',
  );
  const found = URL.parse(filled, documentUrl);
  const root = found !== null && /^https?:$/.test(found.protocol) ? found : new URL('/', documentUrl);
  const base = root.pathname.replace(/\/+$/, '');
  return { url: `${root.origin}${base}${path}`, base, isElsewhere: root.host !== documentUrl.host };
}

const outputHint: Hint = {
  pointer: '/output_schema',
  text: 'The document does not describe the answer: call the skill once and write down what comes.',
};

function authHints(operation: JsonValue, document: JsonValue): Hint[] {
  const required = memberAt(operation, 'security') ?? memberAt(document, 'security');
  const names = [required].flat().flatMap((requirement) => entriesOf(requirement).map(([name]) => name));
  const isOptional =
    Array.isArray(required) && required.some((requirement) => entriesOf(requirement).length === 0);
  if (names.length === 0 || isOptional) return [];
  return [
    {
      pointer: '/auth',
      text: `The service asks for credentials (${names.join(', ')}): say which, such as {"type": "bearer", "token_env": "MY_TOKEN"}.`,
    },
  ];
}
