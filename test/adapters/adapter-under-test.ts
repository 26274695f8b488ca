import type { Adapter, EndpointFault, Mapping, Protocol } from '../../src/contracts/adapter.ts';
import type { JsonObject } from '../../src/contracts/json.ts';
import type { SkillDefinition, SkillEndpoint } from '../../src/contracts/skill-definition.ts';
import type { CredentialSource } from '../../src/contracts/transport.ts';
import { compileValidator } from '../../src/skills/validator.ts';
import { createTransports } from '../../src/transport/transports.ts';

const timeouts = {
  connect_ms: 3000,
  tls_ms: 3000,
  first_byte_ms: 3000,
  between_bytes_ms: 3000,
  total_ms: 6000,
};

/** What a test says of the endpoint; the rest is as a definition without it has it. */
export type EndpointOverrides = Partial<Omit<SkillEndpoint, 'options'>> & { readonly options?: JsonObject };

/** Makes a definition with every default, for this endpoint. */
export function createDefinition(
  overrides: EndpointOverrides,
  inputSchema: JsonObject = { type: 'object' },
  outputSchema: JsonObject = { type: 'object' },
): SkillDefinition {
  return {
    name: 'test_skill',
    version: '1.0.0',
    description: 'A skill for tests.',
    tags: [],
    annotations: {},
    input_schema: inputSchema,
    output_schema: outputSchema,
    endpoint: {
      protocol: 'http',
      url: 'http://127.0.0.1',
      method: 'POST',
      headers: {},
      options: {},
      ...overrides,
    },
    auth: { type: 'none' },
    timeouts,
    retry: { max_attempts: 3, base_ms: 100, max_ms: 2000, idempotent: true },
    breaker: { failures: 5, reset_ms: 10_000 },
    concurrency: { shared: false, max: 32, queue: 256, queue_ms: 10_000 },
    cache: { enabled: true, scope: 'shared' },
    warmup: [],
    readiness: { required: false, interval_ms: 10_000, wait: false, load: false },
    examples: [],
  };
}

export interface AdapterOptions {
  readonly mapping?: Mapping;
  readonly credentials?: CredentialSource;
  readonly inputSchema?: JsonObject;
  readonly outputSchema?: JsonObject;
}

/** An adapter with a transport of its own; both close together. */
export function createAdapter(
  protocol: Protocol,
  endpoint: EndpointOverrides,
  { mapping = {}, credentials, inputSchema, outputSchema }: AdapterOptions = {},
): Adapter {
  const transports = createTransports();
  const definition = createDefinition(endpoint, inputSchema, outputSchema);
  const adapter = protocol.create({
    definition,
    options: endpoint.options ?? {},
    mapping,
    validateOutput: compileValidator(definition.output_schema),
    transport: transports.for({ timeouts, credentials }),
    directory: import.meta.dirname,
  });
  return {
    ...adapter,
    async close() {
      await adapter.close();
      await transports.close();
    },
  };
}

/** The faults that a protocol finds in an endpoint. */
export function faultsOf(
  protocol: Protocol,
  endpoint: EndpointOverrides,
  inputSchema?: JsonObject,
): readonly EndpointFault[] {
  return protocol.check?.(createDefinition(endpoint, inputSchema)) ?? [];
}
