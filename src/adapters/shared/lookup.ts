import { SkillgateError } from '../../contracts/errors.ts';
import { linkedController, unlessAborted } from '../../lib/abort.ts';

/** Something that is asked of a model server once, and kept. */
export interface Lookup<Value> {
  /**
   * Gives what is known, or asks; those who come meanwhile wait for the same answer. A failure is not kept.
   *
   * @throws what asking throws, or the signal's reason
   */
  get(signal: AbortSignal): Promise<Value>;
  /** The next one who comes asks again. */
  forget(): void;
  /** Ends asking. */
  close(): void;
}

/**
 * Makes a lookup. Asking runs on a signal of its own: one caller's leaving does not fail the others.
 *
 * @param limitMs how long asking may take, in milliseconds
 */
export function createLookup<Value>(
  ask: (signal: AbortSignal) => Promise<Value>,
  limitMs: number,
): Lookup<Value> {
  const closing = new AbortController();
  let known: Promise<Value> | undefined;

  async function askInTime(): Promise<Value> {
    const { controller, unlink } = linkedController(closing.signal);
    const timer = setTimeout(() => {
      const detail = `The model server did not describe the model within ${limitMs} ms (first_byte_ms).`;
      controller.abort(new SkillgateError('upstream_timeout', detail, { mayHaveRun: false }));
    }, limitMs);
    try {
      controller.signal.throwIfAborted();
      return await ask(controller.signal);
    } finally {
      clearTimeout(timer);
      unlink();
    }
  }

  return {
    get(signal) {
      if (known === undefined) {
        const asked = askInTime();
        known = asked;
        asked.catch(() => {
          if (known === asked) known = undefined;
        });
      }
      return unlessAborted(known, signal);
    },
    forget() {
      known = undefined;
    },
    close() {
      closing.abort(new SkillgateError('model_not_ready', 'The skill was closed.', { mayHaveRun: false }));
    },
  };
}
