import { randomUUID } from 'node:crypto';
import type { SharedSlots } from '../../contracts/stores.ts';
import type { RedisLink } from './link.ts';

/** A skill whose calls all gateways count together. */
export interface LimitedSkill {
  readonly name: string;
  /** How many of its calls may have a slot at a time. */
  readonly slots: number;
}

/** How long a slot is held without a sign of life from its process, in milliseconds. */
const leaseMs = 3000;
/** How often a process gives that sign for its slots, in milliseconds. */
const renewMs = 1000;
/** How often it looks whether those who wait have a slot, should the message have been lost, in milliseconds. */
const lookMs = 100;
/** How long who waits is taken to be alive without such a look, in milliseconds. */
const patienceMs = 1000;
/** So often is Redis asked before a call goes on without it: one late answer must not exceed the limit. */
const attempts = 3;

/** One skill's slots, as this process has them. */
interface Line {
  readonly slots: number;
  readonly keys: readonly [held: string, line: string, alive: string];
  /** The tokens of the calls that run. */
  readonly held: Set<string>;
  /** The tokens of the calls that wait, and what lets them go on. */
  readonly waiting: Map<string, () => void>;
  renewAt: number;
  isTended: boolean;
}

/**
 * Makes the slots of skills, which all processes on one Redis take from. Whoever finds none stands in a line there, in
 * the order of their coming, and gets the slot that somebody gives back in the same step; a message tells its process.
 * A slot is leased: one timer renews all those of the process, and where it dies they are free when their lease ends.
 *
 * Where Redis does not answer, calls have their slots at once, and Redis is told of them when it is back.
 */
export function createSharedSlots(link: RedisLink): (skill: LimitedSkill) => SharedSlots {
  const id = randomUUID();
  /** Those with calls that run or wait. */
  const active = new Set<Line>();
  let tokens = 0;
  let isListening = false;
  let timer: NodeJS.Timeout | undefined;

  /** Asks for slots. @returns whether Redis answered */
  async function ask(line: Line, held: readonly string[], waiting: readonly string[]): Promise<boolean> {
    const granted = await link.ask((redis) =>
      redis.skillgateTendSlots(
        ...line.keys,
        line.slots,
        leaseMs,
        patienceMs,
        held.length,
        ...held,
        ...waiting,
      ),
    );
    for (const token of granted ?? []) line.waiting.get(token)?.();
    return granted !== undefined;
  }

  /** Asks until Redis answers; where it does not, those who wait go on. What has left meanwhile is not asked for. */
  async function tend(line: Line, renews: boolean, waiting: readonly string[]): Promise<boolean> {
    for (let attempt = 0; attempt < attempts && !link.isAway; attempt += 1) {
      const held = renews ? [...line.held] : [];
      const stillWaiting = waiting.filter((token) => line.waiting.has(token));
      if (held.length + stillWaiting.length === 0) return true;
      if (await ask(line, held, stillWaiting)) return true;
    }
    for (const token of waiting) line.waiting.get(token)?.();
    return false;
  }

  async function tendAll(line: Line): Promise<void> {
    line.isTended = true;
    const isDone = await tend(line, true, [...line.waiting.keys()]);
    if (isDone) line.renewAt = performance.now() + renewMs;
    line.isTended = false;
  }

  function look(): void {
    const now = performance.now();
    for (const line of active) {
      if (line.held.size + line.waiting.size === 0) active.delete(line);
      else if (!line.isTended && (line.waiting.size > 0 || now >= line.renewAt)) void tendAll(line);
    }
    if (active.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function watch(line: Line): void {
    if (active.has(line)) return;
    active.add(line);
    line.renewAt = performance.now() + renewMs;
    timer ??= setInterval(look, lookMs).unref();
  }

  /** Hears that somebody gave its slot to one who waits here. */
  function hear(token: string): void {
    for (const { waiting } of active) waiting.get(token)?.();
  }

  return ({ name, slots }) => {
    if (!isListening) link.listen(`skillgate:slots:${id}`, hear);
    isListening = true;
    // Braces keep the keys on one node of a cluster.
    const key = (what: string) => `skillgate:slots:{${name}}:${what}`;
    const line: Line = {
      slots,
      keys: [key('held'), key('line'), key('alive')],
      held: new Set(),
      waiting: new Map(),
      renewAt: 0,
      isTended: false,
    };
    return {
      take: (signal) =>
        new Promise((resolve, reject) => {
          if (signal.aborted) {
            reject(signal.reason);
            return;
          }
          tokens += 1;
          const token = `${id}:${tokens}`;
          const giveBack = () => {
            line.waiting.delete(token);
            line.held.delete(token);
            // Nobody waits for this: a slot that cannot be given back is free when its lease ends.
            void link.ask((redis) => redis.skillgateLeaveSlots(...line.keys, slots, leaseMs, token));
          };
          const onAbort = () => {
            giveBack();
            reject(signal.reason);
          };
          const admit = () => {
            signal.removeEventListener('abort', onAbort);
            line.waiting.delete(token);
            line.held.add(token);
            resolve({ giveBack });
          };
          signal.addEventListener('abort', onAbort, { once: true });
          line.waiting.set(token, admit);
          watch(line);
          void tend(line, false, [token]);
        }),
    };
  };
}
