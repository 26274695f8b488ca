import { SkillgateError } from '../../contracts/errors.ts';
import type { UpstreamResponse } from '../../contracts/transport.ts';
import { membersOf } from '../shared/json-object.ts';
import { parseModelJson } from '../shared/model-json.ts';
import { notLoaded, refusalOf } from '../shared/upstream-answer.ts';

/**
 * What an answer outside 2xx means, by the `type` that TorchServe writes beside its code: a handler that fails is a 503
 * like a server that is busy, and a wrong token a 400.
 */
export function torchserveRefusal(response: UpstreamResponse): SkillgateError {
  const refusal = refusalOf(response);
  const options = { upstreamStatus: response.status };
  const type = typeIn(response.body);
  if (type === 'InvalidKeyException') {
    return new SkillgateError('upstream_unauthorized', refusal.message, { ...options, mayHaveRun: false });
  }
  if (type === 'InternalServerException')
    return new SkillgateError('upstream_error', refusal.message, options);
  if (type === 'ServiceUnavailableException' && /\bno worker\b/i.test(refusal.message)) {
    return notLoaded(refusal.message, { ...options, retryAfterMs: refusal.retryAfterMs });
  }
  return refusal;
}

function typeIn(body: Buffer): unknown {
  try {
    return membersOf(parseModelJson(body.toString())).type;
  } catch {
    // Not JSON, so not TorchServe's own words: a proxy's, say.
    return undefined;
  }
}
