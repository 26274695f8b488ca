import type { FastifyPluginCallback } from 'fastify';

export interface JwksOptions {
  /** The public keys of the gateway, as a JWK Set. */
  readonly jwks: () => { readonly keys: readonly object[] };
}

/** How long a model server may keep the keys, in seconds: short, so that it soon knows a new one. */
const maxAgeS = 60;

/** Serves the keys that verify the gateway's JWTs (RFC 7517). Public halves only, so anybody may read them. */
export const jwksEntrypoint: FastifyPluginCallback<JwksOptions> = (app, { jwks }, done) => {
  app.get('/.well-known/jwks.json', { config: { public: true } }, (_request, reply) => {
    reply.header('cache-control', `public, max-age=${maxAgeS}`).type('application/jwk-set+json').send(jwks());
  });
  done();
};
