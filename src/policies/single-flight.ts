import { SkillgateError } from '../contracts/errors.ts';
import type { CallReport } from '../contracts/invocation.ts';
import { type Call, changeCall, type Handler, type Policy } from '../contracts/pipeline.ts';
import { unlessAborted } from '../lib/abort.ts';

interface Flight<Result> {
  readonly canonicalInput: string;
  readonly controller: AbortController;
  readonly report: CallReport;
  readonly result: Promise<Result>;
  waiting: number;
  /** Whether one of those who wait has the result; to the others it is somebody else's. */
  delivered: boolean;
}

/**
 * Lets equal calls that are under way at the same time share one. The shared call runs on a signal of its own: a
 * caller who leaves fails nobody else, and the call is cancelled when the last one has left. Calls without a
 * fingerprint, and calls that ask for a fresh answer, run alone.
 */
export function singleFlight<Result>(): Policy<Result> {
  return (next) => {
    const flights = new Map<string, Flight<Result>>();

    async function wait(flight: Flight<Result>, key: string, call: Call): Promise<Result> {
      flight.waiting += 1;
      try {
        const result = await unlessAborted(flight.result, call.signal);
        call.report.collapsed = flight.delivered;
        flight.delivered = true;
        return result;
      } finally {
        flight.waiting -= 1;
        if (flight.waiting === 0) {
          // Once the answer is there the abort reaches nobody; before, it reaches the model.
          if (flights.get(key) === flight) flights.delete(key);
          if (call.signal.aborted) flight.controller.abort(everyoneLeft());
        }
        call.report.cache = flight.report.cache;
        call.report.attempts = flight.report.attempts;
        call.report.upstreamMs = flight.report.upstreamMs;
      }
    }

    return async (call) => {
      call.signal.throwIfAborted();
      if (call.fingerprint === undefined || call.cacheDirective !== 'default') return next(call);
      const { key, canonicalInput } = call.fingerprint;
      const running = flights.get(key);
      if (running === undefined) {
        const flight = depart(next, call, canonicalInput);
        flights.set(key, flight);
        return wait(flight, key, call);
      }
      if (running.canonicalInput !== canonicalInput) return next(call);
      return wait(running, key, call);
    };
  };
}

function depart<Result>(next: Handler<Result>, call: Call, canonicalInput: string): Flight<Result> {
  const controller = new AbortController();
  const report = { ...call.report };
  const result = next(changeCall(call, { report, signal: controller.signal }));
  return { canonicalInput, controller, report, result, waiting: 0, delivered: false };
}

function everyoneLeft(): SkillgateError {
  return new SkillgateError('cancelled', 'Every caller who waited for this answer has left.');
}
