import type { Adapter } from '../../src/contracts/adapter.ts';
import { SkillgateError } from '../../src/contracts/errors.ts';
import type { JsonValue } from '../../src/contracts/json.ts';
import type { Transport } from '../../src/contracts/transport.ts';
import { protocolNamed, protocols } from '../../src/protocols.ts';
import { createDefinitionCompiler } from '../../src/skills/compile.ts';
import type { RecordedCase, RecordedOutcome } from './recording.ts';

/**
 * Makes the adapter of a definition, as the gateway does, over a transport of one's own.
 *
 * @throws Error with what is wrong with the definition
 */
export function adapterOver(transport: Transport, skill: JsonValue): Adapter {
  // The compiler fills the defaults in.
  const result = createDefinitionCompiler(protocols)(structuredClone(skill));
  if (!('compiled' in result)) throw new Error(JSON.stringify(result.faults));
  const { definition, mapping, validateOutput } = result.compiled;
  return protocolNamed(definition.endpoint.protocol).create({
    definition,
    options: definition.endpoint.options,
    mapping,
    validateOutput,
    transport,
    directory: import.meta.dirname,
  });
}

/** Calls or probes a model once, and says what came of it. */
export async function runCase(
  adapter: Adapter,
  { does, input = null }: Pick<RecordedCase, 'does' | 'input'>,
): Promise<RecordedOutcome> {
  const signal = AbortSignal.timeout(30_000);
  if (does === 'probe') return { state: (await adapter.probe(signal)).state };
  try {
    const nothing = () => undefined;
    const attempt = { requestId: 'recorded', traceparent: '', sent: nothing, progressed: nothing };
    return { output: await adapter.infer({ ...attempt, input, signal }) };
  } catch (error) {
    if (!(error instanceof SkillgateError)) throw error;
    const { code, retryable, mayHaveRun } = error;
    return { error: { code, retryable, mayHaveRun } };
  }
}
