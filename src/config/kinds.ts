import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseApiKeys } from '../lib/api-key.ts';
import { readSigningKey } from '../lib/signing-key.ts';

/** What a variable takes. */
export interface Kind<Value> {
  /** What fits, in words that follow "takes". */
  readonly takes: string;
  /** The value that a text stands for; undefined where the text does not fit. */
  parse(text: string): Value | undefined;
  /** Why a text does not fit, where there is more to say than `takes`; quotes nothing of the text. */
  explain?(text: string): string | undefined;
}

/** One of a few words. */
export function oneOf<const Word extends string>(...words: Word[]): Kind<Word> {
  return {
    takes: words.join(', ').replace(/, (?=[^,]*$)/, ' or '),
    parse: (text) => words.find((word) => word === text),
  };
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

export const boolean: Kind<boolean> = {
  takes: 'true or false (1 or 0)',
  parse: (text) => truths.get(text.toLowerCase()),
};

export function wholeNumber(min: number, max: number): Kind<number> {
  return {
    takes: `a whole number from ${min} to ${max}`,
    parse(text) {
      const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** A size in bytes, with or without a unit of IEC 80000-13. */
export function byteSize(min: number, max: number): Kind<number> {
  return {
    takes: `a size from ${min} to ${max} bytes, such as 1048576 or 1MiB`,
    parse(text) {
      const [, digits, unit = ''] = /^(\d{1,16}) ?([kmg]?i?b)?$/i.exec(text) ?? [];
      const factor = unitBytes[unit.toLowerCase()];
      if (digits === undefined || factor === undefined) return undefined;
      const value = Number(digits) * factor;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

export const anyText: Kind<string> = { takes: 'any text', parse: (text) => text };

export const pemFile: Kind<string> = {
  takes: 'the path of a PEM file that can be read',
  parse(path) {
    try {
      return readFileSync(path, 'utf8').includes('-----BEGIN ') ? path : undefined;
    } catch {
      // Missing, unreadable and a folder come to the same: no PEM.
      return undefined;
    }
  },
};

export const directoryPath: Kind<string> = { takes: 'the path of a folder', parse: (text) => text };

export const listenAddress: Kind<string> = {
  takes: 'an IP address or a host name of this machine',
  parse: (text) => (isIP(text) !== 0 || /^[a-z0-9_]([a-z0-9_.-]{0,252})$/i.test(text) ? text : undefined),
};

export const httpUrl: Kind<URL> = {
  takes: 'an http:// or https:// URL',
  parse(text) {
    const url = URL.parse(text);
    return url !== null && /^https?:$/.test(url.protocol) && url.username === '' ? url : undefined;
  },
};

/** A proxy, as curl and others take it: `http://` may be left out, user and password may stand before the host. */
export const proxyUrl: Kind<URL> = {
  takes: 'the URL of an HTTP proxy, such as http://proxy.example:3128',
  parse(text) {
    const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
    return url !== null && /^https?:$/.test(url.protocol) ? url : undefined;
  },
};

/** The address of a Redis, as most clients take it: `redis://[[user]:password@]host[:port][/database]`. */
export const redisUrl: Kind<string> = {
  takes: 'a redis:// or rediss:// URL, such as redis://:password@redis.example:6379/0',
  parse(text) {
    const url = URL.parse(text);
    if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') return undefined;
    const isPlain = url.search === '' && url.hash === '' && /^(\/\d{0,4})?$/.test(url.pathname);
    return isPlain && isDecodable(url.username + url.password) ? text : undefined;
  },
  explain: explainUrl,
};

/** The address of a RabbitMQ, as its clients take it: `amqp://[user:password@]host[:port][/vhost]`. */
export const amqpUrl: Kind<string> = {
  takes: 'an amqp:// or amqps:// URL, such as amqp://user:password@rabbitmq.example:5672/vhost',
  parse(text) {
    const url = URL.parse(text);
    if (url === null || !/^amqps?:$/.test(url.protocol) || url.hostname === '') return undefined;
    const isPlain = url.search === '' && url.hash === '' && /^(\/[^/]*)?$/.test(url.pathname);
    return isPlain && isDecodable(url.username + url.password + url.pathname) ? text : undefined;
  },
  explain: explainUrl,
};

/** What may be wrong with a URL that carries a password. */
function explainUrl(text: string): string | undefined {
  return /[#?]/.test(text) || text.lastIndexOf('@') !== text.indexOf('@') || text.includes('%')
    ? 'special characters of a password are written in percent encoding there, such as %40 for @'
    : undefined;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** `gpu-1.example`, `*.models.example`, `10.0.0.7`, `[::1]:8000`: a name, a name's subdomains or an address. */
const hostPattern = /^(?:(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]{0,252})|\[[0-9a-f:.]+\]|\*)(?::\d{1,5})?$/i;

export const hostPatterns: Kind<readonly string[]> = {
  takes:
    'host names or addresses with commas between them, each with :port where it matters, *.name for what lies under a name',
  parse(text) {
    const patterns = text.split(',').map((pattern) => pattern.trim().toLowerCase());
    return patterns.every((pattern) => hostPattern.test(pattern)) ? patterns : undefined;
  },
};

const namedRanges: ReadonlySet<string> = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** An address, or a range of them in CIDR notation (RFC 4632). */
function isAddressRange(text: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(bits ?? 1) >= 1 && Number(bits ?? 1) <= (version === 4 ? 32 : 128);
}

export const addressRanges: Kind<string[]> = {
  takes:
    'IP addresses and ranges with commas between them, such as 10.0.0.0/8,::1; loopback, linklocal and uniquelocal stand for theirs',
  parse(text) {
    const ranges = text.split(',').map((range) => range.trim().toLowerCase());
    return ranges.every((range) => namedRanges.has(range) || isAddressRange(range)) ? ranges : undefined;
  },
};

const poolPattern = /^([a-z][a-z0-9_-]{0,47}):([1-9]\d{0,8})$/;

/** Sizes in MiB by the names of pools. */
export const gpuPools: Kind<ReadonlyMap<string, number>> = {
  takes: 'name:MiB entries with commas between them, such as default:24000,small:8000',
  parse(text) {
    const pools = new Map<string, number>();
    for (const entry of text.split(',')) {
      const [, name, mib] = poolPattern.exec(entry.trim()) ?? [];
      if (name === undefined || pools.has(name)) return undefined;
      pools.set(name, Number(mib));
    }
    return pools;
  },
};

/** A secret of which nothing is known but that it has to be long enough (RFC 7518, section 3.2, for HS256). */
export function secretText(minBytes: number): Kind<string> {
  return {
    takes: `a secret of at least ${minBytes} bytes`,
    parse: (text) => (Buffer.byteLength(text) >= minBytes ? text : undefined),
    explain: (text) => `it has ${Buffer.byteLength(text)}`,
  };
}

/** A kind whose parser throws a RangeError with the reason. */
function parsedBy<Value>(takes: string, read: (text: string) => Value): Kind<string> {
  const reasonAgainst = (text: string): string | undefined => {
    try {
      read(text);
      return undefined;
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  };
  return {
    takes,
    parse: (text) => (reasonAgainst(text) === undefined ? text : undefined),
    explain: reasonAgainst,
  };
}

export const apiKeys = parsedBy(
  'name:sha256hex[:skill|skill] entries with commas between them, as `skillgate keys create NAME` makes them',
  parseApiKeys,
);

export const privateKey = parsedBy(
  'a PKCS#8 PEM, not encrypted, of an RSA (2048 bits or more), P-256 or Ed25519 key',
  readSigningKey,
);
