import { Redis, type RedisOptions } from 'ioredis';
import { leaveSlots, tendSlots } from './slot-scripts.ts';

/** Lua scripts: each is one step that nothing else comes between, and one way to Redis and back. */
const scripts = {
  /** KEYS: answer, claim. ARGV: token, lease in ms. Gives [answer, its ms], else 1 where claimed now, else 0. */
  skillgateLookUp: {
    numberOfKeys: 2,
    lua: `local answer = redis.call('GET', KEYS[1])
if answer then return {answer, redis.call('PTTL', KEYS[1])} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0`,
  },
  /** KEYS: answer, claim. ARGV: token, answer, its ms. */
  skillgateKeep: {
    numberOfKeys: 2,
    lua: `redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1`,
  },
  /** KEYS: claim. ARGV: token, lease in ms; 0 ends the claim. */
  skillgateRenew: {
    numberOfKeys: 1,
    lua: `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,
  },
  /** KEYS: answer. Gives [answer, its ms], or nil. */
  skillgateGet: {
    numberOfKeys: 1,
    lua: `local answer = redis.call('GET', KEYS[1])
return answer and {answer, redis.call('PTTL', KEYS[1])}`,
  },
  /** KEYS: counter. ARGV: window in ms. Gives [count, ms left]. */
  skillgateCount: {
    numberOfKeys: 1,
    lua: `local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}`,
  },
  skillgateTendSlots: { numberOfKeys: 3, lua: tendSlots },
  skillgateLeaveSlots: { numberOfKeys: 3, lua: leaveSlots },
};

/** An answer as it is stored, and for how long it is still good, in milliseconds. */
type StoredAnswer = [value: Buffer, remainingMs: number];

/** A client with the scripts as methods: ioredis makes them from its options. */
export class ScriptedRedis extends Redis {
  declare skillgateLookUpBuffer: (
    answer: string,
    claim: string,
    token: string,
    leaseMs: number,
  ) => Promise<StoredAnswer | 0 | 1>;
  declare skillgateKeep: (
    answer: string,
    claim: string,
    token: string,
    value: Buffer,
    ttlMs: number,
  ) => Promise<1>;
  declare skillgateRenew: (claim: string, token: string, leaseMs: number) => Promise<0 | 1>;
  declare skillgateGetBuffer: (answer: string) => Promise<StoredAnswer | null>;
  declare skillgateCount: (counter: string, windowMs: number) => Promise<[count: number, leftMs: number]>;

  declare skillgateTendSlots: (
    held: string,
    line: string,
    alive: string,
    slots: number,
    leaseMs: number,
    patienceMs: number,
    holders: number,
    ...tokens: readonly string[]
  ) => Promise<readonly string[]>;
  declare skillgateLeaveSlots: (
    held: string,
    line: string,
    alive: string,
    slots: number,
    leaseMs: number,
    ...tokens: readonly string[]
  ) => Promise<1>;

  constructor(url: string, options: RedisOptions) {
    super(url, { ...options, scripts, replyMapping: 'legacy' });
  }
}
