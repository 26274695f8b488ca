import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ConfigError, type ConfigFault } from '../../src/config/config-error.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Environment } from '../../src/config/secret-sources.ts';
import { variables } from '../../src/config/variables.ts';

const secretA = 'a secret of the operator, long enough';
const secretB = 'another secret of the operator, as long';
const digest = 'ab'.repeat(32);

function faultsOf(env: Environment, options = {}): readonly ConfigFault[] {
  try {
    loadConfig(env, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

function namesOf(env: Environment): readonly string[] {
  return faultsOf(env).map((fault) => fault.name);
}

function privatePem(type: 'rsa' | 'ec' | 'ed25519', modulusLength = 2048): string {
  const encoding = {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  } as const;
  if (type === 'rsa') return generateKeyPairSync('rsa', { ...encoding, modulusLength }).privateKey;
  if (type === 'ec') return generateKeyPairSync('ec', { ...encoding, namedCurve: 'P-256' }).privateKey;
  return generateKeyPairSync('ed25519', encoding).privateKey;
}

describe('values', () => {
  test('gives the defaults of the contract where nothing is set', () => {
    expect(loadConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      logLevel: 'info',
      skillsDir: 'schemas/skills',
      allowAnonymous: false,
      upstreamJwtIssuer: 'skillgate',
      upstreamJwtTtlS: 300,
      upstreamTlsInsecure: false,
      cacheMaxEntries: 1024,
      cacheMaxBytes: 64 * 1024 * 1024,
      cacheTtlMs: 300_000,
      rateLimitMax: 0,
      rateLimitWindowMs: 60_000,
      bodyLimitBytes: 10 * 1024 * 1024,
      shutdownGraceMs: 10_000,
      requestTimeoutMs: 30_000,
    });
  });

  test('cannot be changed', () => {
    const config = loadConfig({});
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
  });

  test.each([
    ['4096', 4096],
    ['64 MiB', 64 * 2 ** 20],
    ['64MiB', 64 * 2 ** 20],
    ['1 gib', 2 ** 30],
    ['2 KiB', 2048],
    ['3 kB', 3000],
    ['5 B', 5],
  ])('reads the size %s', (text, bytes) => {
    expect(loadConfig({ CACHE_MAX_BYTES: text }).cacheMaxBytes).toBe(bytes);
  });

  test('reads every size that it writes in bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (bytes) => {
        expect(loadConfig({ CACHE_MAX_BYTES: String(bytes) }).cacheMaxBytes).toBe(bytes);
      }),
    );
  });

  test.each(['true', 'TRUE', '1'])('reads %s as true', (text) => {
    expect(loadConfig({ ALLOW_ANONYMOUS: text }).allowAnonymous).toBe(true);
  });

  test('takes an empty variable and one of blanks as not set', () => {
    expect(loadConfig({ PORT: '', LOG_LEVEL: '  ', AUTH_API_KEYS: '' })).toMatchObject({
      port: 8080,
      logLevel: 'info',
      authApiKeys: undefined,
    });
  });

  test.each([
    'redis://redis.example',
    'redis://:p%40ss@redis.example:6380/1',
    'rediss://user:password@10.0.0.7:6379',
    'redis://[::1]:6379/',
  ])('takes %s as the address of a Redis', (url) => {
    expect(loadConfig({ REDIS_URL: url }).redisUrl?.read()).toBe(url);
  });

  test.each([
    'redis.example:6379',
    'http://redis.example',
    'redis://',
    'redis://:hunter2@redis.example/queue',
    'redis://:hunter2%@redis.example',
    'redis://:hunter2?@redis.example',
  ])('takes %s for no address of a Redis, and does not repeat it', (url) => {
    const refused = () => loadConfig({ REDIS_URL: url });
    expect(refused).toThrow('REDIS_URL: takes a redis:// or rediss:// URL');
    expect(refused).not.toThrow('hunter2');
  });

  test.each([
    'amqp://rabbitmq.example',
    'amqp://user:p%40ss@rabbitmq.example:5673/skills',
    'amqps://user:password@10.0.0.7/%2Fskills',
  ])('takes %s as the address of a RabbitMQ', (url) => {
    expect(loadConfig({ AMQP_URL: url, REDIS_URL: 'redis://r' }).amqpUrl?.read()).toBe(url);
  });

  test.each([
    'rabbitmq.example:5672',
    'http://rabbitmq.example',
    'amqp://',
    'amqp://user:hunter2@rabbitmq.example/a/b',
    'amqp://user:hunter2%@rabbitmq.example',
    'amqp://user:hunter2#@rabbitmq.example',
  ])('takes %s for no address of a RabbitMQ, and does not repeat it', (url) => {
    const refused = () => loadConfig({ AMQP_URL: url, REDIS_URL: 'redis://r' });
    expect(refused).toThrow('AMQP_URL: takes an amqp:// or amqps:// URL');
    expect(refused).not.toThrow('hunter2');
  });

  test('takes no RabbitMQ without a Redis', () => {
    expect(() => loadConfig({ AMQP_URL: 'amqp://rabbitmq.example' })).toThrow(
      'REDIS_URL: is needed with AMQP_URL',
    );
  });

  test('takes the proxy variables in lower case, first of all', () => {
    const config = loadConfig({
      http_proxy: 'http://lower:3128',
      HTTP_PROXY: 'http://upper:3128',
      HTTPS_PROXY: 'proxy.example:8443',
      no_proxy: 'localhost,.svc',
    });
    expect(config.httpProxy?.host).toBe('lower:3128');
    expect(config.httpsProxy?.href).toBe('http://proxy.example:8443/');
    expect(config.noProxy).toBe('localhost,.svc');
  });

  test('reads the sizes of GPU pools', () => {
    expect(loadConfig({ GPU_POOLS: 'default:24000, small:8000' }).gpuPools).toEqual(
      new Map([
        ['default', 24_000],
        ['small', 8000],
      ]),
    );
  });

  test.each(['default', 'default:0', 'default:8GB', 'a:1,a:2', 'A:1', ':1', 'a:1,'])(
    'refuses the GPU pools %s',
    (text) => {
      expect(() => loadConfig({ GPU_POOLS: text })).toThrow('GPU_POOLS: takes name:MiB entries');
    },
  );

  test('reads the addresses of proxies', () => {
    expect(loadConfig({ TRUST_PROXY: 'Loopback, 10.0.0.0/8,fd00::/8,192.0.2.7' })).toMatchObject({
      trustProxy: ['loopback', '10.0.0.0/8', 'fd00::/8', '192.0.2.7'],
    });
    for (const text of ['true', '10.0.0.0/33', '10.0.0.0/0', 'proxy.example', '10.0.0/8', 'fd00::/129']) {
      expect(() => loadConfig({ TRUST_PROXY: text })).toThrow('TRUST_PROXY: takes IP addresses and ranges');
    }
  });

  test('reads host patterns in lower case', () => {
    expect(
      loadConfig({ UPSTREAM_ALLOW_HOSTS: 'GPU-1:8501, *.models.example,10.0.0.7,[::1]:80' }),
    ).toMatchObject({
      upstreamAllowHosts: ['gpu-1:8501', '*.models.example', '10.0.0.7', '[::1]:80'],
    });
  });
});

describe('faults', () => {
  test.each([
    ['PORT', 'eighty', 'PORT: takes a whole number from 0 to 65535; given "eighty"'],
    ['PORT', '65536', 'PORT: takes a whole number from 0 to 65535; given "65536"'],
    ['PORT', '-1', 'PORT: takes a whole number from 0 to 65535; given "-1"'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL: takes fatal, error, warn, info, debug, trace or silent; given "loud"'],
    ['ALLOW_ANONYMOUS', 'yes', 'ALLOW_ANONYMOUS: takes true or false (1 or 0); given "yes"'],
    [
      'BODY_LIMIT_BYTES',
      '10 MBit',
      'BODY_LIMIT_BYTES: takes a size from 1 to 536870912 bytes, such as 1048576 or 1MiB; given "10 MBit"',
    ],
    ['AUTH_JWT_JWKS_URL', 'keys.example/jwks', 'AUTH_JWT_JWKS_URL: takes an http:// or https:// URL'],
    [
      'UPSTREAM_CA_FILE',
      '/does/not/exist',
      'UPSTREAM_CA_FILE: takes the path of a PEM file that can be read',
    ],
    ['UPSTREAM_ALLOW_HOSTS', 'http://gpu/', 'UPSTREAM_ALLOW_HOSTS: takes host names'],
    ['HOST', 'http://0.0.0.0', 'HOST: takes an IP address'],
  ])('says what %s takes and that %s was given', (name, value, message) => {
    expect(() => loadConfig({ [name]: value })).toThrow(message);
  });

  test('are all told at once, each on a line', () => {
    expect(namesOf({ PORT: 'x', CACHE_TTL_MS: '0', AUTH_JWT_SECRET: 'short' })).toEqual([
      'PORT',
      'AUTH_JWT_SECRET',
      'CACHE_TTL_MS',
    ]);
    expect(() => loadConfig({ PORT: 'x', CACHE_TTL_MS: '0' })).toThrow(/^PORT: .*\nCACHE_TTL_MS: /);
  });

  test('any text for any variable makes a configuration or a ConfigError, never another error', () => {
    const names = Object.values(variables).flatMap(({ name }) => [name, `${name}_FILE`]);
    const environment = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.string(), fc.constant('1')));
    fc.assert(fc.property(environment, (env) => faultsOf(env).every(({ name }) => names.includes(name))));
  });

  test('never show a secret, nor the password of a proxy', () => {
    const message = faultsOf({
      AUTH_JWT_SECRET: 'hunter2',
      UPSTREAM_JWT_SECRET: 'hunter2',
      UPSTREAM_JWT_PRIVATE_KEY: '-----BEGIN hunter2-----',
      AUTH_API_KEYS: 'hunter2,name:hunter2,hunter2:hunter2:hunter2',
      HTTP_PROXY: 'ftp://user:hunter2@proxy',
    }).map(({ reason }) => reason);
    expect(message).toHaveLength(5);
    expect(message.join()).not.toContain('hunter2');
  });

  test('tell which entry of the API keys is wrong, and why', () => {
    expect(faultsOf({ AUTH_API_KEYS: `ci:${digest},ops:sgk_plain` })[0]?.reason).toContain(
      'the second part of entry 2 is not the 64 hexadecimal digits of a SHA-256',
    );
    expect(namesOf({ AUTH_API_KEYS: `gateway:${digest}` })).toEqual(['AUTH_API_KEYS']);
    expect(namesOf({ AUTH_API_KEYS: `ci:${digest}:Bad Skill` })).toEqual(['AUTH_API_KEYS']);
    expect(namesOf({ AUTH_API_KEYS: `ci:${digest}:a|b,ci:${digest}:*` })).toEqual([]);
  });
});

describe('variables that do not go together', () => {
  test('an address beyond loopback needs credentials or the word of the operator', () => {
    expect(faultsOf({ HOST: '0.0.0.0' })[0]).toEqual({
      name: 'HOST',
      reason: expect.stringMatching(/^0\.0\.0\.0 can be reached .* AUTH_API_KEYS .* ALLOW_ANONYMOUS=true$/),
    });
    expect(namesOf({ HOST: '::' })).toEqual(['HOST']);
    expect(namesOf({ HOST: 'gateway.example' })).toEqual(['HOST']);
    expect(namesOf({ HOST: '0.0.0.0', ALLOW_ANONYMOUS: 'true' })).toEqual([]);
    expect(namesOf({ HOST: '0.0.0.0', AUTH_API_KEYS: `ci:${digest}` })).toEqual([]);
    expect(namesOf({ HOST: '0.0.0.0', AUTH_JWT_SECRET: secretA, AUTH_JWT_AUDIENCE: 'a' })).toEqual([]);
    expect(faultsOf({ HOST: '0.0.0.0' }, { listens: false })).toEqual([]);
  });

  test.each(['127.0.0.1', '127.8.0.1', '::1', 'localhost'])('%s needs none', (host) => {
    expect(namesOf({ HOST: host })).toEqual([]);
  });

  test('a fault in the keys does not bring a second one about the open door', () => {
    expect(namesOf({ HOST: '0.0.0.0', AUTH_API_KEYS: 'nonsense' })).toEqual(['AUTH_API_KEYS']);
  });

  test('callers are verified by a JWKS or by a secret, not by both', () => {
    const env = {
      AUTH_JWT_JWKS_URL: 'https://id.example/jwks',
      AUTH_JWT_ISSUER: 'i',
      AUTH_JWT_AUDIENCE: 'a',
    };
    expect(namesOf(env)).toEqual([]);
    expect(namesOf({ ...env, AUTH_JWT_SECRET: secretA })).toEqual(['AUTH_JWT_SECRET']);
  });

  test('JWTs of callers need an audience, and with a JWKS an issuer', () => {
    expect(namesOf({ AUTH_JWT_SECRET: secretA })).toEqual(['AUTH_JWT_AUDIENCE']);
    expect(namesOf({ AUTH_JWT_JWKS_URL: 'https://id.example/jwks' })).toEqual([
      'AUTH_JWT_AUDIENCE',
      'AUTH_JWT_ISSUER',
    ]);
  });

  test('a secret that signs for model servers does not verify callers', () => {
    const env = { AUTH_JWT_SECRET: secretA, AUTH_JWT_AUDIENCE: 'a' };
    expect(namesOf({ ...env, UPSTREAM_JWT_SECRET: secretA })).toEqual(['UPSTREAM_JWT_SECRET']);
    expect(namesOf({ ...env, UPSTREAM_JWT_SECRET: secretB })).toEqual([]);
  });

  test('signing takes a secret or a key, and an algorithm that fits it', () => {
    const rsa = privatePem('rsa');
    expect(namesOf({ UPSTREAM_JWT_SECRET: secretA, UPSTREAM_JWT_PRIVATE_KEY: rsa })).toEqual([
      'UPSTREAM_JWT_SECRET',
    ]);
    expect(namesOf({ UPSTREAM_JWT_PRIVATE_KEY: rsa })).toEqual([]);
    expect(namesOf({ UPSTREAM_JWT_PRIVATE_KEY: rsa.replaceAll('\n', '\\n') })).toEqual([]);
    expect(namesOf({ UPSTREAM_JWT_PRIVATE_KEY: rsa, UPSTREAM_JWT_ALG: 'RS256' })).toEqual([]);
    expect(faultsOf({ UPSTREAM_JWT_PRIVATE_KEY: rsa, UPSTREAM_JWT_ALG: 'ES256' })).toEqual([
      { name: 'UPSTREAM_JWT_ALG', reason: 'UPSTREAM_JWT_PRIVATE_KEY is a key for RS256; given ES256' },
    ]);
    expect(namesOf({ UPSTREAM_JWT_PRIVATE_KEY: privatePem('ec'), UPSTREAM_JWT_ALG: 'ES256' })).toEqual([]);
    expect(namesOf({ UPSTREAM_JWT_PRIVATE_KEY: privatePem('ed25519'), UPSTREAM_JWT_ALG: 'EdDSA' })).toEqual(
      [],
    );
    expect(namesOf({ UPSTREAM_JWT_SECRET: secretA, UPSTREAM_JWT_ALG: 'RS256' })).toEqual([
      'UPSTREAM_JWT_ALG',
    ]);
    expect(namesOf({ UPSTREAM_JWT_SECRET: secretA, UPSTREAM_JWT_ALG: 'HS256' })).toEqual([]);
    expect(faultsOf({ UPSTREAM_JWT_PRIVATE_KEY: privatePem('rsa', 1024) })[0]?.reason).toContain('1024 bits');
  });

  test('a client certificate needs its key', () => {
    const folder = mkdtempSync(join(tmpdir(), 'skillgate-pem-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'client.pem');
    writeFileSync(file, '-----BEGIN CERTIFICATE-----');
    expect(namesOf({ UPSTREAM_CLIENT_CERT_FILE: file })).toEqual(['UPSTREAM_CLIENT_KEY_FILE']);
    expect(namesOf({ UPSTREAM_CLIENT_CERT_FILE: file, UPSTREAM_CLIENT_KEY_FILE: file })).toEqual([]);
  });

  test('certificates are checked in production', () => {
    expect(namesOf({ UPSTREAM_TLS_INSECURE: 'true' })).toEqual([]);
    expect(namesOf({ UPSTREAM_TLS_INSECURE: 'true', NODE_ENV: 'production' })).toEqual([
      'UPSTREAM_TLS_INSECURE',
    ]);
  });
});

describe('secrets', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'skillgate-config-'));
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    rmSync(folder, { recursive: true });
  });

  function writeSecret(text: string): string {
    const path = join(folder, 'secret');
    writeFileSync(path, text);
    return path;
  }

  /** As Kubernetes does it: the new file takes the place of the old one at once. */
  function replaceSecret(text: string): void {
    const next = join(folder, 'next');
    writeFileSync(next, text);
    renameSync(next, join(folder, 'secret'));
  }

  test('come from a file, without the line break at its end', () => {
    const config = loadConfig({ UPSTREAM_JWT_SECRET_FILE: writeSecret(`${secretA}\n`) });
    expect(config.upstreamJwtSecret?.read()).toBe(secretA);
  });

  test('are not to be given twice', () => {
    const env = { UPSTREAM_JWT_SECRET: secretA, UPSTREAM_JWT_SECRET_FILE: writeSecret(secretA) };
    expect(faultsOf(env)).toEqual([
      {
        name: 'UPSTREAM_JWT_SECRET',
        reason: 'takes either UPSTREAM_JWT_SECRET or UPSTREAM_JWT_SECRET_FILE; both are given',
      },
    ]);
  });

  test('are looked at when they come from a file', () => {
    expect(namesOf({ AUTH_JWT_SECRET_FILE: join(folder, 'absent') })).toEqual(['AUTH_JWT_SECRET_FILE']);
    expect(namesOf({ AUTH_JWT_SECRET_FILE: folder })).toEqual(['AUTH_JWT_SECRET_FILE']);
    expect(faultsOf({ AUTH_JWT_SECRET_FILE: writeSecret('short\n') })).toEqual([
      {
        name: 'AUTH_JWT_SECRET_FILE',
        reason: 'takes a secret of at least 32 bytes; given a value that does not fit: it has 5',
      },
    ]);
  });

  test('are read again when their file has changed', () => {
    const secret = loadConfig({ UPSTREAM_JWT_SECRET_FILE: writeSecret(secretA) }).upstreamJwtSecret;
    expect(secret?.read()).toBe(secretA);
    replaceSecret(secretB);
    vi.advanceTimersByTime(5000);
    expect(secret?.read()).toBe(secretB);
  });

  test('stay as they were when their file is gone or no longer fits, and that is told once', () => {
    const warn = vi.fn();
    const path = writeSecret(secretA);
    const secret = loadConfig({ UPSTREAM_JWT_SECRET_FILE: path }, { warn }).upstreamJwtSecret;
    const readLater = () => {
      vi.advanceTimersByTime(5000);
      return secret?.read();
    };

    replaceSecret('short');
    expect([readLater(), readLater()]).toEqual([secretA, secretA]);
    expect(warn).toHaveBeenCalledExactlyOnceWith('secret_unreadable', expect.any(Error));

    rmSync(path);
    expect([readLater(), readLater()]).toEqual([secretA, secretA]);
    expect(warn).toHaveBeenCalledTimes(2);

    writeSecret(secretB);
    expect(readLater()).toBe(secretB);
  });

  test('are not in what is printed of the configuration', () => {
    const config = loadConfig({
      UPSTREAM_JWT_SECRET: secretA,
      AUTH_JWT_SECRET_FILE: writeSecret(secretB),
      AUTH_JWT_AUDIENCE: 'a',
    });
    const printed = inspect(config, { depth: 9, showHidden: true }) + JSON.stringify(config);
    expect(printed).toContain('upstreamJwtSecret');
    expect(printed).not.toContain(secretA);
    expect(printed).not.toContain(secretB);
  });

  test('that skills name are found in a variable or in a file, which may change', () => {
    const { secret } = loadConfig({ MODEL_TOKEN: 'one', OTHER_TOKEN_FILE: writeSecret('two\n') });
    expect(secret('MODEL_TOKEN')).toBe('one');
    expect(secret('OTHER_TOKEN')).toBe('two');
    expect(secret('ABSENT_TOKEN')).toBeUndefined();
    replaceSecret('three');
    vi.advanceTimersByTime(5000);
    expect(secret('OTHER_TOKEN')).toBe('three');
  });

  test('of the gateway are not for skills', () => {
    const { secret } = loadConfig({ UPSTREAM_JWT_SECRET: secretA });
    expect(() => secret('UPSTREAM_JWT_SECRET')).toThrow(ConfigError);
    expect(() => secret('http_proxy')).toThrow(ConfigError);
  });
});
