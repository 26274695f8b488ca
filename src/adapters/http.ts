import type { Adapter, AdapterContext, Attempt, EndpointFault, Protocol } from '../contracts/adapter.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { ModelStatus } from '../contracts/readiness.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';
import { attemptHeaders, endpointFaults, endpointHeaders } from './shared/endpoint.ts';
import { isSuccess, probing, readJsonAnswer, statusOfRefusal } from './shared/upstream-answer.ts';

/**
 * Any server that takes the input as a JSON body, or as a query string with GET, and answers JSON: FastAPI, Flask,
 * BentoML and scripts of one's own.
 */
export const httpProtocol: Protocol = {
  name: 'http',
  optionsSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ready_url: {
        type: 'string',
        minLength: 1,
        description:
          'Where the server tells whether the model is ready: 2xx is ready, 503 is loading. A path such as /health, or a URL on the same host. Without it the model counts as ready when its port takes connections.',
      },
    },
  },
  check: checkDefinition,
  create: createHttpAdapter,
};

function checkDefinition(definition: SkillDefinition): readonly EndpointFault[] {
  const faults = endpointFaults(definition);
  const ready = definition.endpoint.options.ready_url;
  if (faults.length > 0 || typeof ready !== 'string') return faults;
  const url = URL.parse(ready, definition.endpoint.url);
  // The probe presents the skill's credentials, which are for this host.
  const fits =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.hostname === new URL(definition.endpoint.url).hostname;
  if (fits) return [];
  return [
    {
      pointer: '/endpoint/options/ready_url',
      reason: 'has to be a path or a URL on the host of endpoint.url',
    },
  ];
}

function createHttpAdapter({ definition, options, mapping, transport }: AdapterContext): Adapter {
  const { endpoint } = definition;
  const url = new URL(endpoint.url);
  const readyUrl = typeof options.ready_url === 'string' ? new URL(options.ready_url, url) : undefined;
  const inQuery = endpoint.method === 'GET';
  const headers = endpointHeaders(definition, inQuery ? {} : { 'content-type': 'application/json' });

  async function infer(attempt: Attempt): Promise<JsonValue> {
    const input = mapping.request ? await mapping.request(attempt.input) : attempt.input;
    const response = await transport.exchange({
      method: endpoint.method,
      url: inQuery ? withQuery(url, input) : url,
      headers: attemptHeaders(headers, attempt),
      body: inQuery ? undefined : JSON.stringify(input),
      signal: attempt.signal,
      onSent: () => attempt.sent(),
      onProgress: () => attempt.progressed(),
    });
    const body = readJsonAnswer(response);
    return mapping.response ? mapping.response(body, attempt.input) : body;
  }

  async function probe(signal: AbortSignal): Promise<ModelStatus> {
    if (readyUrl === undefined) {
      await transport.reach(url, signal);
      return { state: 'ready', reason: 'The model server takes connections.' };
    }
    const response = await transport.exchange({ method: 'GET', url: readyUrl, headers, signal });
    if (!isSuccess(response.status)) return statusOfRefusal(response);
    return { state: 'ready', reason: `The model server answered ${response.status}.` };
  }

  return {
    infer,
    probe: (signal) => probing(signal, () => probe(signal)),
    async close() {
      // The connections are the transport's.
    },
  };
}

/** Adds the input's properties to the query: a list as a repeated name, an object as JSON, null as nothing. */
function withQuery(url: URL, input: JsonValue): URL {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new SkillgateError('internal', 'With GET, endpoint.request has to give an object.', {
      mayHaveRun: false,
    });
  }
  const target = new URL(url);
  for (const [name, value] of Object.entries(input)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item === null) continue;
      target.searchParams.append(name, typeof item === 'object' ? JSON.stringify(item) : String(item));
    }
  }
  return target;
}
