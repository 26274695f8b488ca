import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, HookHandlerDoneFunction, onRequestHookHandler } from 'fastify';
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
  }
}

export interface AuthenticationOptions {
  /** Finds the caller behind a key or a token; undefined where the gateway asks for none. */
  readonly verify: VerifyCaller | undefined;
  /** The address on which the gateway listens. */
  readonly host: string;
}

/** Sets `request.caller`, or refuses the request, before its body is read. */
export const authentication = fastifyPlugin<AuthenticationOptions>(
  (app, { verify, host }, done) => {
    app.decorateRequest('caller');
    app.addHook(
      'onRequest',
      verify === undefined ? admitAnybody(isLoopbackHost(host)) : askForCredentials(verify),
    );
    done();
  },
  { name: 'authentication', fastify: '5.x' },
);

/** Whoever asks for a public route of a gateway that asks for credentials. */
const nobody: Caller = { id: anonymousCaller.id, skills: new Set() };

function askForCredentials(verify: VerifyCaller): onRequestHookHandler {
  return (request, reply, done) => {
    if (request.routeOptions.config.public === true) {
      request.caller = nobody;
      return done();
    }
    const presented = presentedCredentials(request.headers);
    if (presented === undefined) {
      reply.header('www-authenticate', challenge());
      return done(noCredentials());
    }
    let caller: Caller | Promise<Caller>;
    try {
      caller = verify(presented);
    } catch (error) {
      return refuse(error, reply, done);
    }
    if (caller instanceof Promise) {
      caller.then(
        (verified) => {
          request.caller = verified;
          done();
        },
        (error: unknown) => refuse(error, reply, done),
      );
    } else {
      request.caller = caller;
      done();
    }
  };
}

function refuse(error: unknown, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  const refusal = toSkillgateError(error);
  if (refusal.code === 'unauthenticated') reply.header('www-authenticate', challenge(refusal.message));
  done(refusal);
}

function noCredentials(): SkillgateError {
  return new SkillgateError(
    'unauthenticated',
    'Present an API key or a token: `Authorization: Bearer …`, or `X-API-Key: …` for a key.',
  );
}

/** The bearer token (RFC 6750, section 2.1), or else the key in `X-API-Key`. */
function presentedCredentials(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}

/** A `WWW-Authenticate` value (RFC 6750, section 3). Without a description: nothing was presented. */
function challenge(description?: string): string {
  const realm = 'Bearer realm="skillgate"';
  return description === undefined
    ? realm
    : `${realm}, error="invalid_token", error_description="${description.replace(/[^ !#-[\]-~]/g, "'")}"`;
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
  const { host = '', origin } = headers;
  if (onLoopback && !isLoopbackHost(host.replace(/:\d+$/, ''))) {
    return 'A gateway without credentials that listens on loopback answers to loopback names only (Host).';
  }
  // Fetch Metadata (W3C); browsers alone send it, and pages cannot forge it.
  const crossSite = headers['sec-fetch-site'] === 'cross-site';
  if (crossSite || (origin !== undefined && !isOwnOrigin(origin, host, onLoopback))) {
    return 'A gateway without credentials takes no requests from pages of other sites (Origin, Sec-Fetch-Site).';
  }
  return undefined;
}

/** Pages of the gateway's own address, and on loopback those of any local server: that is where people develop. */
function isOwnOrigin(origin: string, host: string, onLoopback: boolean): boolean {
  const url = URL.parse(origin);
  if (url === null) return false;
  return (
    url.host === URL.parse(`${url.protocol}//${host}`)?.host || (onLoopback && isLoopbackHost(url.hostname))
  );
}
