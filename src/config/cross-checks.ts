import { isLoopbackHost } from '../lib/loopback.ts';
import { readSigningKey } from '../lib/signing-key.ts';
import type { ConfigFault } from './config-error.ts';
import { type Settings, variables } from './variables.ts';

/** A rule about variables that each take their value, and do not go together. */
interface CrossCheck {
  /** Whom the fault is laid to. */
  readonly blames: keyof Settings;
  /** The others that have a part in it: where one has a fault of its own, nothing is said. */
  readonly involves: readonly (keyof Settings)[];
  /** The fault in words that follow the variable's name; undefined where there is none. */
  fault(settings: Settings): string | undefined;
}

const crossChecks: readonly CrossCheck[] = [
  {
    blames: 'authJwtSecret',
    involves: ['authJwtJwksUrl'],
    fault: ({ authJwtSecret, authJwtJwksUrl }) =>
      authJwtSecret &&
      authJwtJwksUrl &&
      'takes no value where AUTH_JWT_JWKS_URL is set: one of the two verifies',
  },
  {
    blames: 'authJwtAudience',
    involves: ['authJwtSecret', 'authJwtJwksUrl'],
    fault: ({ authJwtAudience, authJwtSecret, authJwtJwksUrl }) =>
      (authJwtSecret || authJwtJwksUrl) && authJwtAudience === undefined
        ? 'is needed with AUTH_JWT_SECRET or AUTH_JWT_JWKS_URL, since without it a token for another service would open this one (RFC 8725, section 3.9); not set'
        : undefined,
  },
  {
    blames: 'authJwtIssuer',
    involves: ['authJwtJwksUrl'],
    fault: ({ authJwtIssuer, authJwtJwksUrl }) =>
      authJwtJwksUrl && authJwtIssuer === undefined
        ? 'is needed with AUTH_JWT_JWKS_URL, since large providers sign for many tenants with the same keys (RFC 8725, section 3.8); not set'
        : undefined,
  },
  {
    blames: 'upstreamJwtSecret',
    involves: ['upstreamJwtPrivateKey'],
    fault: ({ upstreamJwtSecret, upstreamJwtPrivateKey }) =>
      upstreamJwtSecret &&
      upstreamJwtPrivateKey &&
      'takes no value where UPSTREAM_JWT_PRIVATE_KEY is set: one of the two signs',
  },
  {
    blames: 'upstreamJwtSecret',
    involves: ['authJwtSecret'],
    fault: ({ upstreamJwtSecret, authJwtSecret }) =>
      upstreamJwtSecret && upstreamJwtSecret.read() === authJwtSecret?.read()
        ? 'has to differ from AUTH_JWT_SECRET: a model server that verifies with it could sign itself in here'
        : undefined,
  },
  {
    blames: 'upstreamJwtAlg',
    involves: ['upstreamJwtSecret', 'upstreamJwtPrivateKey'],
    fault({ upstreamJwtAlg, upstreamJwtSecret, upstreamJwtPrivateKey }) {
      if (upstreamJwtAlg === undefined) return undefined;
      if (upstreamJwtPrivateKey !== undefined) {
        const { algorithm } = readSigningKey(upstreamJwtPrivateKey.read());
        if (algorithm === upstreamJwtAlg) return undefined;
        return `UPSTREAM_JWT_PRIVATE_KEY is a key for ${algorithm}; given ${upstreamJwtAlg}`;
      }
      if (upstreamJwtSecret !== undefined && upstreamJwtAlg !== 'HS256') {
        return `UPSTREAM_JWT_SECRET signs HS256, the others take UPSTREAM_JWT_PRIVATE_KEY; given ${upstreamJwtAlg}`;
      }
      return undefined;
    },
  },
  {
    blames: 'upstreamClientKeyFile',
    involves: ['upstreamClientCertFile'],
    fault: ({ upstreamClientCertFile, upstreamClientKeyFile }) =>
      (upstreamClientCertFile === undefined) === (upstreamClientKeyFile === undefined)
        ? undefined
        : 'and UPSTREAM_CLIENT_CERT_FILE go together; one is set alone',
  },
  {
    blames: 'upstreamTlsInsecure',
    involves: ['nodeEnv'],
    fault: ({ upstreamTlsInsecure, nodeEnv }) =>
      upstreamTlsInsecure && nodeEnv === 'production'
        ? 'takes false where NODE_ENV is production; UPSTREAM_CA_FILE makes a corporate CA trusted'
        : undefined,
  },
  {
    blames: 'redisUrl',
    involves: ['amqpUrl'],
    fault: ({ redisUrl, amqpUrl }) =>
      amqpUrl && redisUrl === undefined
        ? 'is needed with AMQP_URL: RabbitMQ has the queue of the jobs, Redis their states and results; not set'
        : undefined,
  },
];

/** Nobody but this machine may call a gateway that asks nobody who they are, unless the operator says so. */
const openDoorCheck: CrossCheck = {
  blames: 'host',
  involves: ['allowAnonymous', 'authApiKeys', 'authJwtSecret', 'authJwtJwksUrl'],
  fault: ({ host, allowAnonymous, authApiKeys, authJwtSecret, authJwtJwksUrl }) =>
    isLoopbackHost(host) || allowAnonymous || authApiKeys || authJwtSecret || authJwtJwksUrl
      ? undefined
      : `${host} can be reached from other machines, and callers are not asked for credentials. Set AUTH_API_KEYS (\`skillgate keys create NAME\` makes a key), AUTH_JWT_JWKS_URL or AUTH_JWT_SECRET; or listen on 127.0.0.1; or say ALLOW_ANONYMOUS=true`,
};

/**
 * Finds the faults that show only when variables are looked at together.
 *
 * @param faulty the properties whose variables have a fault of their own
 * @param listens whether the process is going to accept callers
 */
export function crossFaults(
  settings: Settings,
  faulty: ReadonlySet<string>,
  listens: boolean,
): readonly ConfigFault[] {
  return (listens ? [...crossChecks, openDoorCheck] : crossChecks).flatMap((check) => {
    if ([check.blames, ...check.involves].some((property) => faulty.has(property))) return [];
    const reason = check.fault(settings);
    return reason === undefined ? [] : [{ name: variables[check.blames].name, reason }];
  });
}
