import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { openInferenceProtocol } from '../src/adapters/open-inference.ts';
import type { Adapter } from '../src/contracts/adapter.ts';
import { createDefinitionCompiler } from '../src/skills/compile.ts';
import { createTransports, type Transports } from '../src/transport/transports.ts';
import type { Row } from './report.ts';
import { median } from './statistics.ts';

const target = 5;
const elements = 262_144;
const calls = 15;

/**
 * How long a call with one megabyte of float32 takes through the `open-inference` adapter, there and back, as JSON and
 * as bytes. The server reads and writes what it gets, on a thread of its own.
 */
export async function tensorRows(): Promise<Row[]> {
  const worker = new Worker(new URL('./tensor-server.ts', import.meta.url));
  const [port] = await once(worker, 'message');
  const transports = createTransports();
  const input = { x: [Array.from({ length: elements }, () => Math.fround(Math.random()))] };
  const ways = { json: adapterFor(port, 'never', transports), bytes: adapterFor(port, 'auto', transports) };
  const times: Record<keyof typeof ways, number[]> = { json: [], bytes: [] };
  // They take turns, so that both meet the same machine; the first rounds warm up.
  for (let round = -5; round < calls; round += 1) {
    for (const [way, adapter] of Object.entries(ways)) {
      const ms = await timeOf(adapter, input);
      if (round >= 0 && (way === 'json' || way === 'bytes')) times[way].push(ms);
    }
  }
  await transports.close();
  await worker.terminate();
  const jsonMs = median(times.json);
  const bytesMs = median(times.bytes);
  return [
    { what: 'Open Inference Protocol, 1 MiB of float32 as JSON', measured: `${jsonMs.toFixed(1)} ms a call` },
    { what: 'the same as bytes', measured: `${bytesMs.toFixed(1)} ms a call` },
    {
      what: 'JSON by bytes',
      measured: `${(jsonMs / bytesMs).toFixed(1)} times (medians of ${calls} calls)`,
      target: `at least ${target} times`,
      met: jsonMs / bytesMs >= target,
    },
  ];
}

function adapterFor(port: number, binary: string, transports: Transports): Adapter {
  const compiled = createDefinitionCompiler([openInferenceProtocol])({
    name: 'echo',
    description: 'Gives a tensor back.',
    input_schema: { type: 'object' },
    output_schema: { type: 'object' },
    endpoint: {
      protocol: 'open-inference',
      url: `http://127.0.0.1:${port}`,
      model: 'echo',
      options: { binary },
    },
  });
  if (!('compiled' in compiled))
    throw new Error(`the definition has faults: ${JSON.stringify(compiled.faults)}`);
  const { definition, mapping, validateOutput } = compiled.compiled;
  return openInferenceProtocol.create({
    definition,
    options: definition.endpoint.options,
    mapping,
    validateOutput,
    transport: transports.for({ timeouts: definition.timeouts }),
    directory: '.',
  });
}

async function timeOf(adapter: Adapter, input: { readonly x: number[][] }): Promise<number> {
  const start = performance.now();
  const output = await adapter.infer({
    input,
    requestId: 'bench',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    signal: new AbortController().signal,
    sent: () => undefined,
    progressed: () => undefined,
  });
  const ms = performance.now() - start;
  if (JSON.stringify(output).length < elements) throw new Error('the tensor did not come back');
  return ms;
}
