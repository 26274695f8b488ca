import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { SkillgateError } from '../../src/contracts/errors.ts';
import { problemMediaType, toProblem } from '../../src/contracts/problem.ts';
import { definitionOf, type RunningApp, readJson, startApp } from '../app.ts';
import { hang, json, type ModelServer, startModelServer } from '../servers/model-server.ts';
import { findNginx, type Nginx, startNginx } from './nginx.ts';

let nginx: Nginx;
beforeAll(async () => {
  nginx = await findNginx();
}, 120_000);

it('spreads calls over both gateways, and none is lost when one of them goes', async () => {
  const { url, gateways, model } = await startBoth();
  const call = () => post(url, { text: 'hello' });
  for (let count = 0; count < 10; count++) expect((await call()).status).toBe(200);
  const shares = await Promise.all(gateways.map(callsOf));
  expect(Math.min(...shares)).toBeGreaterThan(0);
  expect(shares[0] ?? 0).toBe(10 - (shares[1] ?? 0));

  await gateways[0]?.app.close(0);
  for (let count = 0; count < 10; count++) expect((await call()).status).toBe(200);
  expect(model.requests.length).toBeGreaterThan(0);
});

it('refuses a body that is too large in the words of the gateway', async () => {
  const { url } = await startBoth();
  const response = await post(url, { text: 'a'.repeat(10 * 1024 ** 2) });
  expect(response.status).toBe(413);
  const error = new SkillgateError('payload_too_large', 'Request body is too large');
  expect(await readJson(response)).toEqual(toProblem(error, response.headers.get('x-request-id') ?? ''));
  expect(response.headers.get('content-type')).toBe(problemMediaType);
});

it('sends a refusal of a model on to the caller, and the call to no other gateway', async () => {
  const { url, model } = await startBoth({ retry: { max_attempts: 1 } });
  model.always(json({ error: 'loading' }, { status: 503 }));
  const response = await post(url, { text: 'hello' });
  expect(response.status).toBe(503);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(model.requests).toHaveLength(1);
});

it('hands on the events of a job as they come, whichever gateway has accepted it', async () => {
  const { url, model } = await startBoth();
  model.always(hang());
  const accepted = await post(url, { text: 'hello' }, '/skills/local_model_predict/jobs');
  expect(accepted.status).toBe(202);
  await model.requested();
  const { id } = await readJson<{ id: string }>(accepted);
  for (let count = 0; count < 4; count++) {
    const leaving = new AbortController();
    const events = await fetch(`${url}/jobs/${id}/events`, { signal: leaving.signal });
    let seen = '';
    for await (const chunk of events.body ?? []) {
      seen += Buffer.from(chunk).toString();
      if (seen.includes('event: running')) break;
    }
    expect(seen).toContain('event: running');
    leaving.abort();
  }
});

it('keeps a caller of MCP with one gateway, and each caller with its own', async () => {
  const { url, gateways } = await startBoth();
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: toolCall });
  let before = [0, 0];
  for (let caller = 0; caller < 16; caller++) {
    const headers = { ...mcpHeaders, authorization: `Bearer caller-${caller}` };
    for (let count = 0; count < 2; count++) {
      const response = await fetch(`${url}/mcp`, { method: 'POST', headers, body });
      expect(response.status, await response.text()).toBe(200);
    }
    const after = await Promise.all(gateways.map(callsOf));
    expect(after.map((calls, index) => calls - (before[index] ?? 0)).sort()).toEqual([0, 2]);
    before = after;
  }
  expect(Math.min(...before)).toBeGreaterThan(0);
});

const toolCall = { name: 'local_model_predict', arguments: { text: 'hello' } };
const mcpHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2025-11-25',
};

interface Both {
  /** Where nginx is. */
  readonly url: string;
  readonly gateways: readonly RunningApp[];
  readonly model: ModelServer;
}

/** Two gateways that share their jobs, as compose.yaml has them, with nginx in front. */
async function startBoth(more: Readonly<Record<string, unknown>> = {}): Promise<Both> {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'fr' }));
  const dataDir = await mkdtemp(join(tmpdir(), 'skillgate-data-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const start = () =>
    startApp([definitionOf(model.url, { cache: { enabled: false }, ...more })], { DATA_DIR: dataDir });
  const gateways = [await start(), await start()];
  const url = await startNginx(
    nginx,
    gateways.map((gateway) => Number(new URL(gateway.url).port)),
  );
  return { url, gateways, model };
}

function post(url: string, input: unknown, path = '/skills/local_model_predict'): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
}

/** How many calls a gateway has answered. */
async function callsOf({ url }: RunningApp): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^skillgate_invocations_total\{.*code="ok".*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}
