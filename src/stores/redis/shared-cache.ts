import { randomUUID } from 'node:crypto';
import type { Logger } from '../../contracts/logger.ts';
import type { CacheEntry, Claim, SharedCache } from '../../contracts/stores.ts';
import type { RedisLink } from './link.ts';
import { packAnswer, unpackAnswer } from './stored-answer.ts';

export interface SharedCacheOptions {
  readonly link: RedisLink;
  readonly skill: SkillForm;
  readonly logger: Logger;
}

/** A skill in the form that it has for as long as its definition stays the same. */
export interface SkillForm {
  readonly name: string;
  /** The digest of its definition, in hexadecimal. */
  readonly digest: string;
}

/** How long a claim holds without a sign of life from its gateway, in milliseconds. */
const leaseMs = 2000;
/** A value beyond this would keep the other calls on the connection waiting for longer than they wait, in bytes. */
const maxStoredBytes = 1024 * 1024;

/** What the keys of a skill's answers begin with; names and digests hold nothing that is special in a pattern. */
export function answerKeys(skill: SkillForm): string {
  return `skillgate:answer:${formName(skill)}:`;
}

function formName({ name, digest }: SkillForm): string {
  return `${name}:${digest.slice(0, 16)}`;
}

/** Keeps the answers of one skill in Redis. Braces keep an answer and its claim on one node of a cluster. */
export function createSharedCache({ link, skill, logger }: SharedCacheOptions): SharedCache {
  const prefix = answerKeys(skill);
  const answerKey = (key: string) => `${prefix}{${key}}`;
  const claimKey = (key: string) => `skillgate:claim:${formName(skill)}:{${key}}`;

  async function read(value: Buffer, remainingMs: number): Promise<CacheEntry | undefined> {
    try {
      // Redis says 0 in an answer's last millisecond, and elsewhere a time of 0 stands for no end.
      return { skill: skill.name, ...(await unpackAnswer(value)), remainingMs: Math.max(remainingMs, 1) };
    } catch (err) {
      logger.warn({ skill: skill.name, err }, 'redis_answer_unreadable');
      return undefined;
    }
  }

  async function pack(entry: CacheEntry): Promise<Buffer | undefined> {
    const packed = await packAnswer(entry);
    return packed !== undefined && packed.length <= maxStoredBytes ? packed : undefined;
  }

  function claim(key: string, token: string): Claim {
    const renew = (ms: number) => link.ask((redis) => redis.skillgateRenew(claimKey(key), token, ms));
    const renewal = setInterval(() => void renew(leaseMs), leaseMs / 4).unref();
    async function release(): Promise<void> {
      clearInterval(renewal);
      await renew(0);
    }
    return {
      async keep(entry, ttlMs) {
        const value = await pack(entry);
        if (value === undefined) return release();
        clearInterval(renewal);
        await link.ask((redis) =>
          redis.skillgateKeep(answerKey(key), claimKey(key), token, value, Math.ceil(ttlMs)),
        );
      },
      release,
    };
  }

  return {
    get isAway() {
      return link.isAway;
    },
    async get(key) {
      const found = await link.ask((redis) => redis.skillgateGetBuffer(answerKey(key)));
      return found ? read(...found) : undefined;
    },
    async set(key, entry, ttlMs) {
      const value = await pack(entry);
      if (value === undefined) return;
      await link.ask((redis) => redis.set(answerKey(key), value, 'PX', Math.ceil(ttlMs)));
    },
    async lookUp(key) {
      const token = randomUUID();
      const found = await link.ask((redis) =>
        redis.skillgateLookUpBuffer(answerKey(key), claimKey(key), token, leaseMs),
      );
      if (found === undefined) return { kind: 'away' };
      if (found === 0) return { kind: 'asked_elsewhere' };
      if (found === 1) return { kind: 'claimed', claim: claim(key, token) };
      const entry = await read(...found);
      return entry === undefined ? { kind: 'away' } : { kind: 'found', entry };
    },
  };
}
