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
/** How long Redis must have been silent before calls go on without it: late answers must not exceed the limit. */
const graceMs = 500;

/** One skill's slots, as this process has them. */
interface Line {
  readonly slots: number;
  readonly keys: readonly [held: string, line: string, alive: string];
  /** The tokens of the calls that run. */
  readonly held: Set<string>;
  /** The tokens of the calls that wait, and what lets them go on. */
  readonly waiting: Map<string, () => void>;
  /** The tokens of those two that Redis may know. */
  readonly told: Set<string>;
  /** The tokens of calls that have ended, as Redis could not be told. */
  readonly untold: Set<string>;
  renewAt: number;
  isTended: boolean;
}

/**
 * Makes the slots of skills, which all processes on one Redis take from. Whoever finds none stands in a line there, in
 * the order of their coming, and gets the slot that somebody gives back in the same step; a message tells its process.
 * A slot is leased: one timer renews all those of the process, and where it dies they are free when their lease ends.
 *
 * Once Redis has been silent for a moment, calls go on without it, and it is told of them when it is back.
 */
export function createSharedSlots(link: RedisLink): (skill: LimitedSkill) => SharedSlots {
  const id = randomUUID();
  /** Those with calls that run or wait. */
  const active = new Set<Line>();
  let tokens = 0;
  let isListening = false;
  /** On the clock of `performance.now()`. */
  let silentSince: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** Asks for slots. @returns whether Redis answered */
  async function ask(line: Line, held: readonly string[], waiting: readonly string[]): Promise<boolean> {
    for (const token of [...held, ...waiting]) line.told.add(token);
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

  /** Renews the slots of those who run, and asks for those who wait; they go on where Redis is silent for long. */
  async function tend(line: Line, held: readonly string[], waiting: readonly string[]): Promise<boolean> {
    if (!link.isAway && (await ask(line, held, waiting))) {
      silentSince = undefined;
      return true;
    }
    const now = performance.now();
    silentSince ??= now;
    const silentMs = now - silentSince;
    if (silentMs >= graceMs) for (const token of waiting) line.waiting.get(token)?.();
    // By then their leases have ended.
    if (silentMs >= 2 * leaseMs) line.untold.clear();
    return false;
  }

  /** Gives back what these have, now or when Redis answers again: it may do late what it was asked for. */
  async function leave(line: Line, tokens: readonly string[]): Promise<void> {
    const done = await link.ask((redis) =>
      redis.skillgateLeaveSlots(...line.keys, line.slots, leaseMs, ...tokens),
    );
    if (done !== undefined) return;
    for (const token of tokens) line.untold.add(token);
    watch(line);
  }

  async function tendAll(line: Line): Promise<void> {
    line.isTended = true;
    if (line.untold.size > 0 && !link.isAway) {
      const tokens = [...line.untold];
      line.untold.clear();
      await leave(line, tokens);
    }
    const isDone = await tend(line, [...line.held], [...line.waiting.keys()]);
    if (isDone) line.renewAt = performance.now() + renewMs;
    line.isTended = false;
  }

  function look(): void {
    const now = performance.now();
    for (const line of active) {
      const urgent = line.waiting.size + line.untold.size;
      if (line.held.size + urgent === 0) active.delete(line);
      else if (!line.isTended && (urgent > 0 || now >= line.renewAt)) void tendAll(line);
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
      told: new Set(),
      untold: new Set(),
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
            // Nobody waits for this, and of who came while Redis was away it knows nothing.
            if (line.told.delete(token)) void leave(line, [token]);
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
          void tend(line, [], [token]);
        }),
    };
  };
}
