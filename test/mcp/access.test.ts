import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { readJson } from '../app.ts';
import { ask, plainHeaders, send, startTool, toolName } from './message.ts';

const call = { name: toolName, arguments: { text: 'hello' } };
const keys = { AUTH_API_KEYS: `one:${createHash('sha256').update('secret').digest('hex')}` };
const secret = 'a secret of more than thirty-two bytes, for the test';
const tokens = {
  AUTH_JWT_SECRET: secret,
  AUTH_JWT_AUDIENCE: 'skillgate',
  AUTH_JWT_ISSUER: 'https://login.example',
};

/** The status of an answer to a request with any Host. */
function statusWithHost(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { ...plainHeaders, host };
    const sent = request(`${url}/mcp`, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
  });
}

describe('pages of other sites', () => {
  it.each([
    ['without credentials', {}, {}],
    ['with credentials', keys, { authorization: 'Bearer secret' }],
  ])('are refused %s', async (_how, env, headers) => {
    const { url } = await startTool({}, env);
    const from = (origin: string) =>
      send(url, '2026-07-28', 'tools/call', call, { headers: { ...headers, origin } });
    expect((await from('https://evil.example')).status).toBe(403);
    expect((await from('null')).status).toBe(403);
    expect((await from(url)).status).toBe(200);
  });

  it('cannot pass for this machine by a name of their own (DNS rebinding)', async () => {
    const { url } = await startTool();
    expect(await statusWithHost(url, 'evil.example')).toBe(403);
    expect(await statusWithHost(url, 'localhost:1')).toBe(200);
  });
});

describe('credentials', () => {
  it('are asked for, without a word of tokens where there are none', async () => {
    const { url } = await startTool({}, keys);
    const response = await send(url, '2025-11-25', 'tools/list');
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="skillgate"');
    expect((await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)).status).toBe(401);
  });

  it('that are tokens can be found by the metadata that the refusal names (RFC 9728)', async () => {
    const { url } = await startTool({}, tokens);
    const response = await send(url, '2026-07-28', 'tools/list');
    expect(response.status).toBe(401);
    const [, where = ''] =
      /resource_metadata="([^"]+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? [];
    expect(where).toBe(`${url}/.well-known/oauth-protected-resource/mcp`);
    expect(await readJson(fetch(where))).toEqual({
      resource: `${url}/mcp`,
      authorization_servers: ['https://login.example'],
      scopes_supported: ['skill:*'],
      bearer_methods_supported: ['header'],
      resource_name: 'Skillgate',
    });
    const rest = await fetch(`${url}/skills`);
    expect(rest.headers.get('www-authenticate')).toContain(`${url}/.well-known/oauth-protected-resource"`);
  });

  it('that are bad say why, and still where better ones are', async () => {
    const { url } = await startTool({}, tokens);
    const headers = { authorization: 'Bearer a.b.c' };
    const response = await send(url, '2026-07-28', 'tools/list', {}, { headers });
    expect(response.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="skillgate", error="invalid_token", error_description="[^"]+", resource_metadata="http[^"]+"$/,
    );
  });

  it('of a JWT with a scope open the tools of that scope', async () => {
    const { url } = await startTool({}, tokens);
    const token = await new SignJWT({ scope: `skill:${toolName}` })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(tokens.AUTH_JWT_ISSUER)
      .setAudience('skillgate')
      .setSubject('somebody')
      .setExpirationTime('1m')
      .sign(new TextEncoder().encode(secret));
    const headers = { authorization: `Bearer ${token}` };
    const answer = await ask(url, '2026-07-28', 'tools/call', call, { headers });
    expect(answer.result?.structuredContent).toEqual({ prediction: 'positive', confidence: 0.9 });
  });
});
