import type { Policy } from '../contracts/pipeline.ts';

/** Knows when the calls that pass through it have ended. */
export interface Drain<Result> {
  readonly policy: Policy<Result>;
  /** Resolves when no call is under way any more. */
  idle(): Promise<void>;
}

/** Makes the outermost policy of a skill: what it counts has to end before the skill is taken apart. */
export function createDrain<Result>(): Drain<Result> {
  let underWay = 0;
  let announce: (() => void) | undefined;

  return {
    policy: (next) => async (call) => {
      underWay += 1;
      try {
        return await next(call);
      } finally {
        underWay -= 1;
        if (underWay === 0) announce?.();
      }
    },
    idle() {
      if (underWay === 0) return Promise.resolve();
      return new Promise((resolve) => {
        announce = resolve;
      });
    },
  };
}
