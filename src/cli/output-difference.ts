import { isJsonObject, type JsonValue } from '../contracts/json.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { escapePointer } from '../lib/json-shape.ts';

/** A place at which an output is not what an example says. */
export interface OutputDifference {
  /** JSON Pointer (RFC 6901) into the output. */
  readonly pointer: string;
  readonly expected: JsonValue;
  /** Undefined where the output has nothing there. */
  readonly actual: JsonValue | undefined;
}

/**
 * Compares an output with an example's. Properties that the example leaves out are not compared; everything else has to
 * be equal, numbers exactly and lists item by item.
 */
export function findDifferences(
  expected: JsonValue,
  actual: JsonValue | undefined,
  pointer = '',
): OutputDifference[] {
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    return expected.flatMap((item, index) => findDifferences(item, actual[index], `${pointer}/${index}`));
  }
  if (isJsonObject(expected) && isJsonObject(actual)) {
    return Object.entries(expected).flatMap(([key, member]) =>
      findDifferences(
        member,
        Object.hasOwn(actual, key) ? actual[key] : undefined,
        `${pointer}/${escapePointer(key)}`,
      ),
    );
  }
  const isEqual = actual !== undefined && canonicalJson(expected) === canonicalJson(actual);
  return isEqual ? [] : [{ pointer, expected, actual }];
}
