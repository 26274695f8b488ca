import { SkillgateError } from '../../contracts/errors.ts';
import { isJsonObject, type JsonValue } from '../../contracts/json.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';

/** One request body for one or several rows of a batch. */
export interface JoinedRequest {
  readonly body: JsonValue;
  /** Of each row that is in it: its place in the batch, and how many examples it brought. */
  readonly parts: readonly { readonly index: number; readonly examples: number }[];
}

/** Where requests carry their examples, and answers their rows. */
const requestMembers = ['instances', 'examples'] as const;
const answerMembers = ['predictions', 'result', 'results'] as const;

/**
 * Joins the request bodies of a batch: those that differ in their examples alone become one (RESTful API, row format).
 * A body in columnar format goes by itself.
 *
 * @param bodies with their places in the batch
 */
export function joinRequests(
  bodies: readonly (readonly [index: number, body: JsonValue])[],
): JoinedRequest[] {
  const joined = new Map<string, JoinedRequest & { parts: { index: number; examples: number }[] }>();
  const alone: JoinedRequest[] = [];
  for (const [index, body] of bodies) {
    const member = requestMembers.find((name) => Array.isArray(memberOf(body, name)));
    const examples = member === undefined ? undefined : memberOf(body, member);
    if (member === undefined || !Array.isArray(examples) || !isJsonObject(body)) {
      alone.push({ body, parts: [{ index, examples: 1 }] });
      continue;
    }
    const envelope = { ...body, [member]: [] };
    const key = canonicalJson(envelope);
    const known = joined.get(key);
    const part = { index, examples: examples.length };
    if (known === undefined) {
      joined.set(key, { body: { ...envelope, [member]: [...examples] }, parts: [part] });
      continue;
    }
    const all = memberOf(known.body, member);
    if (Array.isArray(all)) all.push(...examples);
    known.parts.push(part);
  }
  return [...joined.values(), ...alone];
}

/**
 * Takes the answer to a joined request apart: for each part an answer as if it had been alone.
 *
 * @throws SkillgateError `upstream_error` where the answer has not one row for each example
 */
export function splitAnswer(answer: JsonValue, { parts }: JoinedRequest): JsonValue[] {
  if (parts.length === 1) return [answer];
  const member = answerMembers.find((name) => Array.isArray(memberOf(answer, name)));
  const rows = member === undefined ? undefined : memberOf(answer, member);
  const sent = parts.reduce((sum, { examples }) => sum + examples, 0);
  if (member === undefined || !Array.isArray(rows) || rows.length !== sent) {
    const found = Array.isArray(rows) ? `${rows.length} rows` : 'no rows';
    throw new SkillgateError('upstream_error', `The model server answered ${found} for ${sent} examples.`);
  }
  let start = 0;
  return parts.map(({ examples }) => {
    start += examples;
    return { [member]: rows.slice(start - examples, start) };
  });
}

function memberOf(value: JsonValue, name: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
