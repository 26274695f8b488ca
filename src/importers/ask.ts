import type { JsonValue } from '../contracts/json.ts';

/** What a server answered. */
export interface ServerAnswer {
  readonly status: number;
  /** The body as JSON; undefined where it is none. */
  readonly body: JsonValue | undefined;
}

/**
 * Asks a server: GET, or POST where there is a body to send.
 *
 * @throws SkillgateError where no answer comes
 */
export type Ask = (url: URL, body?: JsonValue) => Promise<ServerAnswer>;
