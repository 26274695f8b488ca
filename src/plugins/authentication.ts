import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { anonymousCaller, type Caller } from '../contracts/caller.ts';
import { SkillgateError, toSkillgateError } from '../contracts/errors.ts';
import type { VerifyCaller } from '../credentials/caller-verifier.ts';
import { isLoopbackHost } from '../lib/loopback.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls. */
    caller: Caller;
  }
  interface FastifyContextConfig {
    /**
     * Whether the route is open to everybody: probes and public keys. /metrics is not: the names of skills and how much
     * they are used are nobody's business, and Prometheus can send a bearer token.
     */
    public?: boolean;
    /** Whether pages of other sites are refused whoever calls, as MCP wants it (Streamable HTTP, Security). */
    sameOriginOnly?: boolean;
  }
}

export interface AuthenticationOptions {
  /** Finds the caller behind a key or a token; undefined where the gateway asks for none. */
  readonly verify: VerifyCaller | undefined;
  /** The address on which the gateway listens. */
  readonly host: string;
  /** Whether there is metadata by which clients find out where tokens come from (RFC 9728). */
  readonly hasResourceMetadata: boolean;
}

/** Sets `request.caller`, or refuses the request, before its body is read. */
export const authentication = fastifyPlugin<AuthenticationOptions>(
  (app, { verify, host, hasResourceMetadata }, done) => {
    app.decorateRequest('caller');
    app.addHook(
      'onRequest',
      verify === undefined
        ? admitAnybody(isLoopbackHost(host))
        : askForCredentials(verify, isLoopbackHost(host), hasResourceMetadata),
    );
    done();
  },
  { name: 'authentication', fastify: '5.x' },
);

/** Whoever asks for a public route of a gateway that asks for credentials. */
const nobody: Caller = { id: anonymousCaller.id, skills: new Set() };

function askForCredentials(
  verify: VerifyCaller,
  onLoopback: boolean,
  hasResourceMetadata: boolean,
): onRequestHookHandler {
  const refuse = (
    error: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    done: HookHandlerDoneFunction,
  ) => {
    const refusal = toSkillgateError(error);
    if (refusal.code === 'unauthenticated') {
      const metadata = hasResourceMetadata ? resourceMetadataUrl(request) : undefined;
      reply.header(
        'www-authenticate',
        challenge(error === nothingPresented ? undefined : refusal.message, metadata),
      );
    }
    done(refusal);
  };

  return (request, reply, done) => {
    const { config } = request.routeOptions;
    if (config.sameOriginOnly && isForeignPage(request.headers, onLoopback)) {
      return done(new SkillgateError('forbidden', 'Pages of other sites may not call this (Origin).'));
    }
    if (config.public === true) {
      request.caller = nobody;
      return done();
    }
    const presented = presentedCredentials(request.headers);
    if (presented === undefined) return refuse(nothingPresented, request, reply, done);
    let caller: Caller | Promise<Caller>;
    try {
      caller = verify(presented);
    } catch (error) {
      return refuse(error, request, reply, done);
    }
    if (caller instanceof Promise) {
      caller.then(
        (verified) => {
          request.caller = verified;
          done();
        },
        (error: unknown) => refuse(error, request, reply, done),
      );
    } else {
      request.caller = caller;
      done();
    }
  };
}

const nothingPresented = new SkillgateError(
  'unauthenticated',
  'Present an API key or a token: `Authorization: Bearer …`, or `X-API-Key: …` for a key.',
);

/** Where the metadata of the protected resource is: of `/mcp`, or of the gateway as a whole (RFC 9728, section 3.1). */
function resourceMetadataUrl({ protocol, host, routeOptions }: FastifyRequest): string {
  const path = routeOptions.url === '/mcp' ? '/mcp' : '';
  return `${protocol}://${host}/.well-known/oauth-protected-resource${path}`;
}

/** The bearer token (RFC 6750, section 2.1), or else the key in `X-API-Key`. */
function presentedCredentials(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}

/** A `WWW-Authenticate` value (RFC 6750, section 3). Without a description: nothing was presented. */
function challenge(description: string | undefined, resourceMetadata: string | undefined): string {
  const parameters = {
    realm: 'skillgate',
    ...(description !== undefined && { error: 'invalid_token', error_description: description }),
    ...(resourceMetadata !== undefined && { resource_metadata: resourceMetadata }),
  };
  const quoted = Object.entries(parameters).map(
    ([name, value]) => `${name}="${value.replace(/[^ !#-[\]-~]/g, "'")}"`,
  );
  return `Bearer ${quoted.join(', ')}`;
}

/**
 * Without credentials the gateway trusts whoever can reach it. A browser on this machine can, and shows pages that
 * nobody trusts: such a page must not call models, neither across origins nor, by DNS rebinding, as if it were ours.
 * Where credentials are asked for this is no concern, since a browser adds none of its own.
 */
function admitAnybody(onLoopback: boolean): onRequestHookHandler {
  return (request, _reply, done) => {
    request.caller = anonymousCaller;
    const fault =
      request.routeOptions.config.public === true ? undefined : foreign(request.headers, onLoopback);
    if (fault === undefined) done();
    else
      done(new SkillgateError('forbidden', `${fault} With credentials configured this check is not needed.`));
  };
}

function foreign(headers: IncomingHttpHeaders, onLoopback: boolean): string | undefined {
  const { host = '' } = headers;
  if (onLoopback && !isLoopbackHost(host.replace(/:\d+$/, ''))) {
    return 'A gateway without credentials that listens on loopback answers to loopback names only (Host).';
  }
  if (isForeignPage(headers, onLoopback)) {
    return 'A gateway without credentials takes no requests from pages of other sites (Origin, Sec-Fetch-Site).';
  }
  return undefined;
}

/** Whether a page of another site sends this. */
function isForeignPage({ host = '', origin, ...headers }: IncomingHttpHeaders, onLoopback: boolean): boolean {
  // Fetch Metadata (W3C); browsers alone send it, and pages cannot forge it.
  if (headers['sec-fetch-site'] === 'cross-site') return true;
  return origin !== undefined && !isOwnOrigin(origin, host, onLoopback);
}

/** Pages of the gateway's own address, and on loopback those of any local server: that is where people develop. */
function isOwnOrigin(origin: string, host: string, onLoopback: boolean): boolean {
  const url = URL.parse(origin);
  if (url === null) return false;
  return (
    url.host === URL.parse(`${url.protocol}//${host}`)?.host || (onLoopback && isLoopbackHost(url.hostname))
  );
}
