import { randomUUID } from 'node:crypto';
import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';

/**
 * Lets clients of revisions before 2026-07-28 cancel a call: there a message of its own says so, and a connection that
 * closes says nothing. A session is the number by which the two find each other, and is kept nowhere.
 */
export interface Cancellations {
  /** A number for a new session. */
  newSession(): string;
  /** A signal that aborts when the client cancels the request; undefined without a session. */
  open(session: string | undefined, callerId: string, requestId: string | number): OpenRequest | undefined;
  /** Acts on `notifications/cancelled`. */
  cancel(session: string | undefined, callerId: string, requestId: JsonValue | undefined): void;
}

/** A request that can be cancelled. */
export interface OpenRequest {
  readonly signal: AbortSignal;
  close(): void;
}

/** Makes the book of open requests. */
export function createCancellations(): Cancellations {
  const open = new Map<string, AbortController>();
  return {
    newSession: randomUUID,
    open(session, callerId, requestId) {
      if (session === undefined) return undefined;
      const key = JSON.stringify([session, callerId, requestId]);
      const controller = new AbortController();
      open.set(key, controller);
      return {
        signal: controller.signal,
        close: () => {
          if (open.get(key) === controller) open.delete(key);
        },
      };
    },
    cancel(session, callerId, requestId) {
      if (session === undefined) return;
      const controller = open.get(JSON.stringify([session, callerId, requestId]));
      controller?.abort(new SkillgateError('cancelled', 'The caller cancelled the call.'));
    },
  };
}
