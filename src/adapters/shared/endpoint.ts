import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Attempt, EndpointFault } from '../../contracts/adapter.ts';
import type { SkillDefinition } from '../../contracts/skill-definition.ts';

/** Headers that the connection or the gateway writes, with the place where what they say belongs. */
const reserved: ReadonlyMap<string, string> = new Map([
  ['authorization', 'credentials belong in /auth'],
  ['proxy-authorization', 'credentials belong in HTTP_PROXY'],
  ...[
    'connection',
    'content-length',
    'expect',
    'keep-alive',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ].map((name) => [name, 'the connection writes it'] as const),
  ...['accept-encoding', 'traceparent', 'x-request-id'].map(
    (name) => [name, 'the gateway writes it'] as const,
  ),
]);

/**
 * Finds what no endpoint on a server may say, whatever its protocol: in `endpoint.url` and `endpoint.headers`.
 *
 * @param grpc whether the protocol is also spoken over gRPC
 */
export function endpointFaults(
  { endpoint }: SkillDefinition,
  { grpc = false }: { readonly grpc?: boolean } = {},
): readonly EndpointFault[] {
  const urlFault = serverUrlFault(endpoint.url, grpc);
  const faults: EndpointFault[] =
    urlFault === undefined ? [] : [{ pointer: '/endpoint/url', reason: urlFault }];
  for (const [name, value] of Object.entries(endpoint.headers)) {
    const reason = headerFault(name, value);
    if (reason !== undefined) {
      const token = name.replaceAll('~', '~0').replaceAll('/', '~1');
      faults.push({ pointer: `/endpoint/headers/${token}`, reason });
    }
  }
  return faults;
}

function serverUrlFault(text: string, grpc: boolean): string | undefined {
  const url = URL.parse(text);
  if (url === null) return 'has to be a whole URL, such as http://localhost:8000/predict';
  if (!(grpc ? /^(?:http|grpc)s?:$/ : /^https?:$/).test(url.protocol)) {
    return `has to begin with http:// or https://${grpc ? ', grpc:// or grpcs://' : ''}`;
  }
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user or a password: they belong in /auth';
  return undefined;
}

function headerFault(name: string, value: string): string | undefined {
  const belongs = reserved.get(name.toLowerCase());
  if (belongs !== undefined) return `cannot be set here: ${belongs}`;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return undefined;
  } catch {
    return 'is not a header that HTTP can carry (RFC 9110, section 5)';
  }
}

type Headers = Readonly<Record<string, string>>;

/** The headers of every request to an endpoint: the protocol's, then the definition's own. */
export function endpointHeaders({ endpoint }: SkillDefinition, protocolHeaders: Headers): Headers {
  const own = Object.entries(endpoint.headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    accept: 'application/json',
    'user-agent': 'skillgate',
    ...protocolHeaders,
    ...Object.fromEntries(own),
  };
}

/** The metadata of every call over gRPC: the definition's own headers. */
export function endpointMetadata({ endpoint }: SkillDefinition): Headers {
  const own = Object.entries(endpoint.headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { 'user-agent': 'skillgate', ...Object.fromEntries(own) };
}

/** Adds what names this call: X-Request-Id, and `traceparent` (W3C Trace Context). */
export function attemptHeaders(headers: Headers, attempt: Attempt<unknown>): Headers {
  return { ...headers, 'x-request-id': attempt.requestId, traceparent: attempt.traceparent };
}
