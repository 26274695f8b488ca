import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { gatewayUrlOf } from './request-context.ts';

export interface ResourceMetadataOptions {
  /** The `iss` of the tokens that callers present; undefined where none is configured. */
  readonly issuer: string | undefined;
}

/**
 * `GET /.well-known/oauth-protected-resource`, and the same of `/mcp`: where tokens for this gateway come from
 * (RFC 9728). MCP clients look there after a 401.
 */
export const resourceMetadata: FastifyPluginAsync<ResourceMetadataOptions> = async (app, { issuer }) => {
  // An issuer that is no URL is no authorization server that a client could ask.
  const servers = issuer !== undefined && URL.canParse(issuer) ? [issuer] : [];
  const describe = (request: FastifyRequest, path: string) => ({
    resource: `${gatewayUrlOf(request)}${path}`,
    ...(servers.length > 0 && { authorization_servers: servers }),
    scopes_supported: ['skill:*'],
    bearer_methods_supported: ['header'],
    resource_name: 'Skillgate',
  });
  for (const path of ['', '/mcp']) {
    app.get(`/.well-known/oauth-protected-resource${path}`, { config: { public: true } }, async (request) =>
      describe(request, path),
    );
  }
};
