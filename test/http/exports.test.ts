import { Validator } from '@seriousme/openapi-schema-validator';
import { unzipSync } from 'fflate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApiKey } from '../../src/credentials/api-key.ts';
import { definitionOf, readJson, startApp } from '../app.ts';
import { agentSkillFaults } from '../exports/agent-skill-rules.ts';
import { json, startModelServer } from '../servers/model-server.ts';

async function startModel() {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'positive' }));
  return model;
}

interface OpenApi {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

describe('the exports', () => {
  it('give a caller the tools of the skills that its key covers, and no others', async () => {
    const model = await startModel();
    const ann = createApiKey('ann');
    const { url } = await startApp([definitionOf(model.url), definitionOf(model.url, { name: 'other' })], {
      AUTH_API_KEYS: `${ann.entry}:other`,
    });
    const headers = { authorization: `Bearer ${ann.key}` };
    const tools = await readJson<{ name: string }[]>(fetch(`${url}/tools`, { headers }));
    expect(tools.map(({ name }) => name)).toEqual(['other']);
    const { paths } = await readJson<OpenApi>(fetch(`${url}/openapi.json`, { headers }));
    expect(paths).toHaveProperty('/skills/other');
    expect(paths).not.toHaveProperty('/skills/local_model_predict');
    for (const path of ['/skills/local_model_predict/SKILL.md', '/skills/local_model_predict.skill']) {
      const response = await fetch(url + path, { headers });
      expect(response.status, path).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'skill_not_found' });
    }
    for (const path of ['/tools', '/openapi.json', '/skills/other/SKILL.md', '/skills/other.skill']) {
      expect((await fetch(url + path)).status, path).toBe(401);
    }
  });

  it('name the address that a trusted proxy was called by, and believe nobody else', async () => {
    const model = await startModel();
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'skills.example' };
    const serverSaid = async (proxies: Readonly<Record<string, string>>) => {
      const { url } = await startApp([definitionOf(model.url)], proxies);
      const { servers } = await readJson<OpenApi>(fetch(`${url}/openapi.json`, { headers }));
      return { url, said: servers[0]?.url };
    };
    expect((await serverSaid({ TRUST_PROXY: 'loopback' })).said).toBe('https://skills.example');
    for (const proxies of [{}, { TRUST_PROXY: '10.0.0.0/8' }]) {
      const { url, said } = await serverSaid(proxies);
      expect(said).toBe(url);
    }
  });

  it('tell nothing of the model server', async () => {
    const model = await startModel();
    const { url } = await startApp([definitionOf(model.url)]);
    for (const path of ['/tools', '/openapi.json', '/skills/local_model_predict/SKILL.md']) {
      expect(await (await fetch(url + path)).text(), path).not.toContain(model.url);
    }
  });

  it('give a skill as SKILL.md and as a .skill file', async () => {
    const model = await startModel();
    const { url } = await startApp([definitionOf(model.url)]);
    const response = await fetch(`${url}/skills/local_model_predict/SKILL.md`);
    const markdown = await response.text();
    expect(response.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    expect(agentSkillFaults(markdown, 'local-model-predict')).toEqual([]);
    const archive = await fetch(`${url}/skills/local_model_predict.skill`);
    expect(archive.headers.get('content-type')).toBe('application/zip');
    expect(archive.headers.get('content-disposition')).toBe(
      'attachment; filename="local-model-predict.skill"',
    );
    const files = unzipSync(await archive.bytes());
    expect(new TextDecoder().decode(files['local-model-predict/SKILL.md'])).toBe(markdown);
  });

  it.each(['/skills/absent.skill', '/skills/absent/SKILL.md'])('answer 404 to %s', async (path) => {
    const { url } = await startApp([]);
    expect(await readJson(fetch(url + path))).toMatchObject({ code: 'skill_not_found', status: 404 });
  });
});

describe('the OpenAPI document', () => {
  it('is valid, and has the schemas and examples of every skill', async () => {
    const model = await startModel();
    const examples = [{ input: { text: 'a' }, output: { prediction: 'b' } }];
    const { url } = await startApp([
      definitionOf(model.url, { examples }),
      definitionOf(model.url, {
        name: 'nested',
        input_schema: {
          type: 'object',
          $defs: { a: { type: 'string' } },
          properties: { a: { $ref: '#/$defs/a' } },
        },
        output_schema: { type: 'array', items: { type: 'number' } },
      }),
    ]);
    const document = await readJson<OpenApi>(fetch(`${url}/openapi.json`));
    expect(await new Validator().validate(structuredClone({ ...document }))).toMatchObject({ valid: true });
    expect(document.openapi).toBe('3.1.0');
    expect(document.servers).toEqual([{ url }]);
    expect(document.components.schemas).toMatchObject({
      local_model_predict_input: { required: ['text'] },
      nested_input: { properties: { a: { type: 'string' } } },
      nested_output: { type: 'array' },
    });
    expect(document.paths['/skills/local_model_predict']?.post).toMatchObject({
      requestBody: { content: { 'application/json': { examples: { example_1: { value: { text: 'a' } } } } } },
      responses: { 200: expect.anything(), 400: expect.anything(), 503: expect.anything() },
    });
  });

  it('has every route of the gateway, and no other', async () => {
    const ann = createApiKey('ann');
    // With JWTs, since some routes are there for these alone.
    const { app, url } = await startApp([], {
      AUTH_API_KEYS: ann.entry,
      AUTH_JWT_SECRET: 'a secret of thirty-two bytes, or more',
      AUTH_JWT_AUDIENCE: 'skillgate',
    });
    const headers = { authorization: `Bearer ${ann.key}` };
    const { paths } = await readJson<OpenApi>(fetch(`${url}/openapi.json`, { headers }));
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((method) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = routesOf(app.http.printRoutes({ commonPrefix: false, includeHooks: false }));
    expect(documented.toSorted()).toEqual(
      served.filter((route) => !route.startsWith('GET /docs/')).toSorted(),
    );
  });
});

/** The routes in Fastify's tree, as OpenAPI writes them, less HEAD and OPTIONS. */
function routesOf(tree: string): string[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([│├└─ ]*)(\S+)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (part === '') return [];
    const depth = indent.length / 4;
    parents.splice(depth - 1, parents.length, part);
    const path = parents.join('').replaceAll(/:(\w+)/g, '{$1}');
    return methods
      .split(', ')
      .filter((method) => !['', 'HEAD', 'OPTIONS'].includes(method))
      .map((method) => `${method} ${path}`);
  });
}

describe('the page to try the skills', () => {
  it('is open to everybody, loads nothing from elsewhere, and says so in its policy', async () => {
    const { url } = await startApp([], { AUTH_API_KEYS: createApiKey('ann').entry });
    const response = await fetch(`${url}/docs`);
    const html = await response.text();
    expect(response.status).toBe(200);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:/);
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(4);
    for (const link of links.filter((each) => each !== 'openapi.json')) {
      const file = await fetch(new URL(link, `${url}/docs`));
      expect(file.status, link).toBe(200);
      expect(file.headers.get('content-security-policy'), link).toBe(policy);
      expect((await file.bytes()).length, link).toBeGreaterThan(100);
    }
    expect((await fetch(`${url}/openapi.json`)).status).toBe(401);
  });

  it.each(['/docs/absent.js', '/docs/..%2fpackage.json', '/docs/%2e%2e/package.json'])(
    'has no %s',
    async (path) => {
      const { url } = await startApp([]);
      expect(await readJson(fetch(url + path))).toMatchObject({ code: 'not_found' });
    },
  );

  it('is found with a slash at the end as well', async () => {
    const { url } = await startApp([]);
    expect(await fetch(`${url}/docs/`)).toMatchObject({ status: 200, url: `${url}/docs` });
  });

  it('leaves its policy to itself', async () => {
    const { url } = await startApp([]);
    expect((await fetch(`${url}/skills`)).headers.get('content-security-policy')).toBeNull();
  });
});
