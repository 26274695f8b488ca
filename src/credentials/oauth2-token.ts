import { SkillgateError } from '../contracts/errors.ts';
import type { CredentialSource } from '../contracts/transport.ts';
import { wait } from '../lib/abort.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Warn } from '../lib/warn.ts';
import { type IssuedToken, TokenError } from './oauth2-request.ts';

export interface TokenSourceOptions {
  /** Asks the identity provider once. */
  readonly request: (signal: AbortSignal) => Promise<IssuedToken>;
  /** Told of a renewal that failed while the token at hand is still good. */
  readonly warn: Warn;
  /** How long the provider may take for one answer, in milliseconds. */
  readonly requestTimeoutMs: number;
}

/** What is presented, and kept fresh until it is closed. */
export interface TokenSource extends CredentialSource {
  close(): void;
}

/** Requests until a fetch counts as failed. */
const maxRequests = 5;
const pauses = { baseMs: 100, maxMs: 2000 };
/** How long a provider is left alone that failed a whole fetch, in milliseconds. */
const cooldownMs = 2000;
/** How long a token counts as good whose provider does not say, in seconds. */
const assumedLifeS = 300;
/** How much of its life a token is used before another is fetched beside the calls. */
const usedShare = 0.75;
/** How long before its end a token is not presented any more: calls travel, and clocks differ. */
const marginShare = 0.1;
const maxMarginMs = 10_000;
/** A server that refuses a token younger than this, in milliseconds, would refuse the next one as well. */
const minMintIntervalMs = 1000;

interface Token {
  readonly authorization: string;
  readonly mintedAt: number;
  readonly renewAt: number;
  readonly usableUntil: number;
}

/** A fetch that failed, and until when there will be no other. */
interface Failure {
  readonly error: SkillgateError;
  readonly until: number;
}

/**
 * Keeps a token for all who present it. It is fetched at the first call, and again beside the calls when three quarters
 * of its life are over, if it was used; a call waits for the provider only where there is no token that is good. A fetch
 * is tried a few times, each with a time limit of its own.
 */
export function createTokenSource({ request, warn, requestTimeoutMs }: TokenSourceOptions): TokenSource {
  let token: Token | undefined;
  let used = false;
  let fetching: Promise<string> | undefined;
  let failure: Failure | undefined;
  let timer: NodeJS.Timeout | undefined;
  const closing = new AbortController();

  async function requestInTime(): Promise<IssuedToken> {
    const late = AbortSignal.timeout(requestTimeoutMs);
    try {
      return await request(AbortSignal.any([late, closing.signal]));
    } catch (error) {
      if (!late.aborted || closing.signal.aborted) throw error;
      throw new TokenError(`did not answer within ${requestTimeoutMs} ms`, true, error);
    }
  }

  async function fetchToken(): Promise<string> {
    const askedAt = Date.now();
    try {
      token = toToken(await untilGiven(requestInTime, closing.signal), askedAt);
    } catch (error) {
      const reason = error instanceof TokenError ? error.message : 'could not be asked';
      failure = {
        error: new SkillgateError('upstream_unauthorized', `The identity provider ${reason}.`, {
          cause: error,
          retryAfterMs: cooldownMs,
          mayHaveRun: false,
        }),
        until: Date.now() + cooldownMs,
      };
      if (isUsable(token)) renewIn(cooldownMs);
      throw failure.error;
    }
    failure = undefined;
    used = false;
    renewIn(token.renewAt - Date.now());
    return token.authorization;
  }

  /** However many ask, one fetch is under way; and none while the provider is left alone. */
  function fetchOnce(): Promise<string> {
    if (fetching === undefined && isLeftAlone(failure)) return Promise.reject(failure.error);
    fetching ??= fetchToken().finally(() => {
      fetching = undefined;
    });
    return fetching;
  }

  function renewIn(ms: number): void {
    clearTimeout(timer);
    if (closing.signal.aborted) return;
    timer = setTimeout(() => {
      // A token that nobody used is not worth renewing: the next call does it.
      if (used) renewBeside();
    }, ms).unref();
  }

  function renewBeside(): void {
    if (fetching !== undefined || isLeftAlone(failure)) return;
    fetchOnce().catch((error) => warn('oauth2_token_renewal_failed', error));
  }

  return {
    authorization() {
      used = true;
      if (!isUsable(token)) return fetchOnce();
      if (Date.now() >= token.renewAt) renewBeside();
      return token.authorization;
    },
    async renew(refused) {
      if (token !== undefined && token.authorization !== refused) return true;
      if (token !== undefined && Date.now() - token.mintedAt < minMintIntervalMs) return false;
      await fetchOnce();
      return true;
    },
    close() {
      clearTimeout(timer);
      closing.abort(new TokenError('was not asked: the gateway is closing', false));
    },
  };
}

/** @throws TokenError when the requests are spent, or another would be in vain */
async function untilGiven(request: () => Promise<IssuedToken>, closing: AbortSignal): Promise<IssuedToken> {
  for (let requests = 1; ; requests += 1) {
    try {
      return await request();
    } catch (error) {
      const temporary = error instanceof TokenError && error.temporary && !closing.aborted;
      if (!temporary || requests >= maxRequests) throw error;
      await wait(backoffMs(requests, pauses), closing);
    }
  }
}

/** A token's life begins when it was asked for: when it was made, only the provider knows. */
function toToken({ accessToken, expiresInS = assumedLifeS }: IssuedToken, askedAt: number): Token {
  const lifeMs = expiresInS * 1000;
  return {
    authorization: `Bearer ${accessToken}`,
    mintedAt: Date.now(),
    renewAt: askedAt + lifeMs * usedShare,
    usableUntil: askedAt + lifeMs - Math.min(lifeMs * marginShare, maxMarginMs),
  };
}

function isUsable(token: Token | undefined): token is Token {
  return token !== undefined && Date.now() < token.usableUntil;
}

function isLeftAlone(failure: Failure | undefined): failure is Failure {
  return failure !== undefined && Date.now() < failure.until;
}
