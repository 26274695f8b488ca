import type { JsonValue } from '../contracts/json.ts';
import { escapePointer } from '../lib/json-shape.ts';
import type { DefinitionFault } from './fault.ts';
import { isObject, ownMember } from './schema-walk.ts';

/** Headers that carry secrets, which belong to `auth`. */
const secretHeaders = new Set(['authorization', 'proxy-authorization', 'cookie']);
/** Headers that HTTP itself needs to set (RFC 9110 and RFC 9112). */
const framingHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Finds faults in `endpoint.url` and `endpoint.headers` that hold for every protocol. */
export function findEndpointFaults(definition: JsonValue): DefinitionFault[] {
  const endpoint = ownMember(definition, 'endpoint');
  const url = ownMember(endpoint, 'url');
  const headers = ownMember(endpoint, 'headers');
  return [
    ...(typeof url === 'string' && url !== '' ? urlReasons(url) : []).map((reason) => ({
      pointer: '/endpoint/url',
      reason,
    })),
    ...Object.entries(isObject(headers) ? headers : {}).flatMap(([name, value]) =>
      headerReasons(name, value).map((reason) => ({
        pointer: `/endpoint/headers/${escapePointer(name)}`,
        reason,
      })),
    ),
  ];
}

function urlReasons(text: string): string[] {
  const url = URL.parse(text);
  if (!url) return ['is not a URL; write it like http://127.0.0.1:8000/predict'];
  if (url.protocol === 'file:') return [];
  const reasons: string[] = [];
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    reasons.push(`begins with ${url.protocol}, where http:, https: or file: is due`);
  }
  if (url.username !== '' || url.password !== '') {
    reasons.push('holds a user name or a password; name them under `auth` instead');
  }
  if (url.hash !== '') reasons.push('holds a fragment (#…), which is never sent to a server');
  return reasons;
}

function headerReasons(name: string, value: JsonValue): string[] {
  const lowerCase = name.toLowerCase();
  if (!headerName.test(name)) return ['is not the name of an HTTP header'];
  if (secretHeaders.has(lowerCase))
    return ['carries a secret; say under `auth` which environment variable holds it'];
  if (framingHeaders.has(lowerCase)) return ['is set by the gateway itself'];
  if (typeof value === 'string' && !headerValue.test(value)) {
    return ['holds characters that an HTTP header cannot carry'];
  }
  return [];
}
