import { isUtf8 } from 'node:buffer';
import { SkillgateError, type SkillgateErrorOptions } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import type { UpstreamResponse } from '../../contracts/transport.ts';
import { parseModelJson } from './model-json.ts';
import { retryAfterMs } from './retry-after.ts';
import { serverMessage } from './server-message.ts';

/** When to come again to a model that is loading, where its server does not say, in milliseconds. */
const loadingRetryAfterMs = 2_000;

/** How servers put it that a model is on its way: llama.cpp, vLLM, Triton, MLServer, FastAPI scripts. */
const loading =
  /\b(?:loading|not (?:yet )?(?:ready|loaded|available)|not at ready state|warming up|starting up|initiali[sz]ing)\b/i;

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/**
 * Reads the JSON of a 2xx answer.
 *
 * @throws SkillgateError for any other answer, see `refusalOf`, and `upstream_error` for a body that is not JSON
 */
export function readJsonAnswer(response: UpstreamResponse): JsonValue {
  if (!isSuccess(response.status)) throw refusalOf(response);
  if (response.body.length === 0) {
    throw new SkillgateError(
      'upstream_error',
      `The model server answered ${response.status} without a body.`,
      {
        upstreamStatus: response.status,
      },
    );
  }
  if (!isUtf8(response.body)) {
    throw new SkillgateError('upstream_error', "The model server's answer is not UTF-8 text.", {
      upstreamStatus: response.status,
    });
  }
  try {
    return parseModelJson(response.body.toString('utf8'));
  } catch (cause) {
    const said = serverMessage(response);
    throw new SkillgateError(
      'upstream_error',
      `The model server's answer is not JSON${said === undefined ? '' : `: ${said.slice(0, 200)}`}`,
      { cause, upstreamStatus: response.status },
    );
  }
}

/**
 * Says what an answer outside 2xx means for the call: one classification for every protocol over HTTP.
 *
 * 401 and 403 are `upstream_unauthorized`; 503 of a model on its way is `model_not_ready`; 504 is `upstream_timeout`;
 * all else is `upstream_error`. 429, 502, 503 and 504 may be tried again, after `Retry-After` where there is one.
 */
export function refusalOf(response: UpstreamResponse): SkillgateError {
  const { status, headers } = response;
  const message = serverMessage(response);
  const detail = `The model server answered ${status}${message === undefined ? '.' : `: ${message}`}`;
  const options: SkillgateErrorOptions = {
    upstreamStatus: status,
    retryAfterMs: retryAfterMs(headers['retry-after']),
  };
  if (status === 401 || status === 403) {
    return new SkillgateError('upstream_unauthorized', detail, { ...options, mayHaveRun: false });
  }
  if (status >= 300 && status < 400) return redirect(response);
  if (status === 503 && message !== undefined && loading.test(message)) return notLoaded(detail, options);
  if (status === 504) return new SkillgateError('upstream_timeout', detail, options);
  if (status === 429 || status === 503) {
    return new SkillgateError('upstream_error', detail, { ...options, retryable: true, mayHaveRun: false });
  }
  return new SkillgateError('upstream_error', detail, {
    ...options,
    retryable: status === 502,
    mayHaveRun: status !== 404,
  });
}

/** The error of a call that met a model on its way: it may come again. */
export function notLoaded(detail: string, options: SkillgateErrorOptions = {}): SkillgateError {
  return new SkillgateError('model_not_ready', detail, {
    ...options,
    retryAfterMs: options.retryAfterMs ?? loadingRetryAfterMs,
    mayHaveRun: false,
  });
}

/** Where it points to is for the log: it tells where the model lives. */
function redirect({ status, headers }: UpstreamResponse): SkillgateError {
  const detail = `The model server answered ${status}, and redirects are not followed: endpoint.url has to name the final address.`;
  return new SkillgateError('upstream_error', detail, {
    cause: new Error(`location: ${String(headers.location ?? 'none')}`),
    upstreamStatus: status,
    mayHaveRun: false,
  });
}

/** What an answer to a probe outside 2xx says of the model. */
export function statusOfRefusal(response: UpstreamResponse): ModelStatus {
  const message = serverMessage(response);
  return {
    state: response.status === 503 ? 'loading' : 'not_ready',
    reason: `The model server answered ${response.status}${message === undefined ? '.' : `: ${message}`}`,
  };
}

/**
 * Runs a probe, and says what it means that it failed.
 *
 * @throws the signal's reason, when it aborts
 */
export async function probing(signal: AbortSignal, probe: () => Promise<ModelStatus>): Promise<ModelStatus> {
  try {
    return await probe();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof SkillgateError) return { state: 'unreachable', reason: error.message };
    throw error;
  }
}
