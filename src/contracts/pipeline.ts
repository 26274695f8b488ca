import type { Answer, CallReport, Invocation } from './invocation.ts';
import type { JsonValue } from './json.ts';

/** An invocation on its way through the policies of its skill; below the batching policy, of several inputs. */
export interface Call<Input = JsonValue> extends Omit<Invocation, 'input'> {
  readonly input: Input;
  readonly report: CallReport;
  /** What this call asks. Set by the cache policy; undefined where the answer may not be shared. */
  readonly fingerprint: Fingerprint | undefined;
  /** When `total_ms` is over, on the clock of `performance.now()`. Set by the deadline policy. */
  readonly deadlineAt: number | undefined;
}

/** What policies change about a call on its way. */
export type CallChange = Partial<Pick<Call, 'signal' | 'report' | 'fingerprint' | 'deadlineAt'>>;

/** The beginning of a call's way. */
export function startCall(invocation: Invocation, report: CallReport): Call {
  return writeCall(invocation, invocation.signal, report, undefined, undefined);
}

/** The same call with something changed. */
export function changeCall(call: Call, change: CallChange): Call {
  return writeCall(
    call,
    change.signal ?? call.signal,
    change.report ?? call.report,
    change.fingerprint ?? call.fingerprint,
    change.deadlineAt ?? call.deadlineAt,
  );
}

/**
 * Field by field: V8 makes of a spread with so many fields an object in dictionary mode, of ten times the size, and a
 * call is copied three times on its way.
 */
function writeCall(
  from: Invocation,
  signal: AbortSignal,
  report: CallReport,
  fingerprint: Fingerprint | undefined,
  deadlineAt: number | undefined,
): Call {
  return {
    skill: from.skill,
    input: from.input,
    caller: from.caller,
    source: from.source,
    requestId: from.requestId,
    traceparent: from.traceparent,
    cacheDirective: from.cacheDirective,
    signal,
    report,
    fingerprint,
    deadlineAt,
  };
}

/** The identity of a question: a short key, and the text that proves that two questions with one key are the same. */
export interface Fingerprint {
  /** MD5 in hexadecimal over the skill, its version, its digest, the scope and the canonical input. */
  readonly key: string;
  /** The input in canonical form (RFC 8785). */
  readonly canonicalInput: string;
}

/**
 * A step of the way: takes a call, gives what the rest of the way made of it.
 *
 * @throws SkillgateError, at once or as a rejection; the outermost step is asynchronous
 */
export type Handler<Result, Input = JsonValue> = (call: Call<Input>) => Promise<Result>;

/** Wraps the rest of the way. A policy is made once a skill, and may hold that skill's state. */
export type Policy<Result, Input = JsonValue> = (next: Handler<Result, Input>) => Handler<Result, Input>;

/** A policy on raw model outputs, inside the output's validation. */
export type OutputPolicy = Policy<JsonValue>;

/** A policy on validated answers. */
export type AnswerPolicy = Policy<Answer>;

/** A policy that lets so many calls in at a time, and what it holds now. */
export interface Admission {
  readonly policy: OutputPolicy;
  readonly inFlight: number;
  readonly queued: number;
}
