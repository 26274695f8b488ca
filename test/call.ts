import { anonymousCaller } from '../src/contracts/caller.ts';
import type { CallReport } from '../src/contracts/invocation.ts';
import type { JsonValue } from '../src/contracts/json.ts';
import type { Call } from '../src/contracts/pipeline.ts';

/** A report as the invoker starts it. */
function newReport(): CallReport {
  return { cache: 'bypass', collapsed: false, attempts: 0, upstreamMs: 0 };
}

/** A call of the skill `echo` by anybody, with what matters to the test filled in. */
export function makeCall(overrides: Partial<Call> = {}): Call {
  return {
    skill: 'echo',
    input: { text: 'hello' },
    caller: anonymousCaller,
    source: 'rest',
    requestId: 'request-1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    cacheDirective: 'default',
    signal: new AbortController().signal,
    report: newReport(),
    fingerprint: undefined,
    deadlineAt: undefined,
    ...overrides,
  };
}

/** A model whose answers the test gives one by one, and which notices being cancelled. */
export class ScriptedModel<Result = JsonValue> {
  readonly calls: { call: Call; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];

  readonly handle = (call: Call): Promise<Result> =>
    new Promise((resolve, reject) => {
      this.calls.push({ call, resolve, reject });
      call.signal.addEventListener('abort', () => reject(call.signal.reason), { once: true });
    });

  /** The call that came as number `index`, from 0. */
  at(index: number) {
    const call = this.calls[index];
    if (call === undefined) throw new Error(`the model was called ${this.calls.length} times`);
    return call;
  }
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
