import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createApiKey } from '../../src/credentials/api-key.ts';
import { definitionOf, readJson, startApp } from '../app.ts';
import { ended, type ShownJob, submit } from '../jobs/job-client.ts';
import { after, hang, json, startModelServer } from '../servers/model-server.ts';

async function startModel() {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'positive', confidence: 0.9 }));
  return model;
}

/** A gateway that accepts jobs and runs none, so that they stay as they are. */
const withoutWorker = { JOB_CONCURRENCY: '0' };

describe('a job', () => {
  it('is accepted with 202 and its address, and ends with the output', async () => {
    const model = await startModel();
    const app = await startApp([definitionOf(model.url)]);
    const response = await app.post({ text: 'hello' }, { path: '/skills/local_model_predict/jobs' });
    expect(response.status).toBe(202);
    const job = await readJson<ShownJob>(response);
    expect(response.headers.get('location')).toBe(`/jobs/${job.id}`);
    expect(job).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      skill: 'local_model_predict',
      version: '1.0.0',
      status: 'queued',
      attempts: 0,
      created_at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/),
    });
    expect(await ended(app, job)).toMatchObject({
      id: job.id,
      status: 'succeeded',
      attempts: 1,
      started_at: expect.any(String),
      ended_at: expect.any(String),
      output: { prediction: 'positive', confidence: 0.9 },
    });
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toContain('skillgate_jobs{status="succeeded"} 1');
    expect(metrics).toContain('source="job",code="ok"} 1');
  });

  it('is what a call becomes that prefers not to wait', async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)], withoutWorker);
    const call = (prefer: string) => post({ text: 'hello' }, { headers: { prefer } });
    for (const prefer of ['respond-async', 'handling=lenient, Respond-Async; x=1']) {
      const response = await call(prefer);
      expect(response.status).toBe(202);
      expect(response.headers.get('preference-applied')).toBe('respond-async');
    }
    const direct = await call('respond-asynchronously, wait=10');
    expect(direct.status).toBe(200);
    expect(direct.headers.get('preference-applied')).toBeNull();
  });

  it('is refused at once where the call would be', async () => {
    const model = await startModel();
    const { key, entry } = createApiKey('ann', ['other']);
    const { post } = await startApp([definitionOf(model.url), definitionOf(model.url, { name: 'other' })], {
      ...withoutWorker,
      AUTH_API_KEYS: entry,
    });
    const refusal = async (skill: string, input: unknown) => {
      const headers = { authorization: `Bearer ${key}` };
      const response = await post(input, { path: `/skills/${skill}/jobs`, headers });
      return [response.status, (await readJson<{ code: string }>(response)).code];
    };
    expect(await refusal('other', { text: 1 })).toEqual([400, 'invalid_input']);
    expect(await refusal('other', '{"text"')).toEqual([400, 'malformed_json']);
    expect(await refusal('local_model_predict', { text: 'a' })).toEqual([403, 'forbidden']);
    expect(await refusal('absent', { text: 'a' })).toEqual([404, 'skill_not_found']);
  });

  it('that fails shows why, as a problem under the id of its request', async () => {
    const model = await startModel();
    model.always(json({ error: 'bug' }, { status: 500 }));
    const app = await startApp([definitionOf(model.url)]);
    const job = await submit(app, { text: 'a' }, { headers: { 'x-request-id': 'request-7' } });
    expect(await ended(app, job)).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: { code: 'upstream_error', status: 502, request_id: 'request-7' },
    });
  });

  it('is refused with a time to come back when as many wait as may', async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)], { ...withoutWorker, JOB_QUEUE_MAX: '2' });
    const submission = () => post({ text: 'a' }, { path: '/skills/local_model_predict/jobs' });
    expect([(await submission()).status, (await submission()).status]).toEqual([202, 202]);
    const refused = await submission();
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'overloaded' });
  });

  it('does not exist for other callers', async () => {
    const model = await startModel();
    const [ann, bob] = [createApiKey('ann'), createApiKey('bob')];
    const app = await startApp([definitionOf(model.url)], {
      ...withoutWorker,
      AUTH_API_KEYS: `${ann.entry},${bob.entry}`,
    });
    const as = ({ key }: { key: string }) => ({ authorization: `Bearer ${key}` });
    const { id } = await submit(app, { text: 'a' }, { headers: as(ann) });
    for (const [method, path] of [
      ['GET', `/jobs/${id}`],
      ['GET', `/jobs/${id}?wait_ms=1000`],
      ['GET', `/jobs/${id}/events`],
      ['DELETE', `/jobs/${id}`],
      ['GET', '/jobs/01a1f82b-533e-71bb-a59f-b16bfe32afc3'],
      ['GET', '/jobs/nonsense'],
    ] as const) {
      const response = await fetch(app.url + path, { method, headers: as(bob) });
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toMatchObject({ code: 'job_not_found' });
    }
    const list = await fetch(`${app.url}/jobs`, { headers: as(bob) });
    expect(await list.json()).toEqual({ jobs: [] });
    expect((await fetch(`${app.url}/jobs/${id}`, { headers: as(ann) })).status).toBe(200);
  });
});

describe('an Idempotency-Key', () => {
  it('gives a repeat the same job, whatever the order of its keys, and refuses another input', async () => {
    const model = await startModel();
    const schema = { type: 'object' };
    const app = await startApp([definitionOf(model.url, { input_schema: schema })], withoutWorker);
    const headers = { 'idempotency-key': '"order-1"' };
    const first = await submit(app, { a: 1, b: [2] }, { headers });
    expect((await submit(app, { b: [2], a: 1 }, { headers })).id).toBe(first.id);
    expect((await submit(app, { a: 1, b: [2] }, { headers: { 'idempotency-key': 'order-1' } })).id).toBe(
      first.id,
    );
    expect((await submit(app, { a: 1, b: [2] })).id).not.toBe(first.id);
    const path = '/skills/local_model_predict/jobs';
    const conflict = await app.post({ a: 2 }, { path, headers });
    expect(conflict.status).toBe(409);
    expect(await conflict.json()).toMatchObject({ code: 'idempotency_conflict' });
  });

  it('is refused where it is malformed', async () => {
    const model = await startModel();
    const { app } = await startApp([definitionOf(model.url)], withoutWorker);
    for (const key of ['"open', 'with blank', 'a"b', 'x'.repeat(256), '""', 'a\\b', 'größe']) {
      const response = await app.http.inject({
        method: 'POST',
        url: '/skills/local_model_predict/jobs',
        headers: { host: 'localhost', 'idempotency-key': key },
        payload: { text: 'a' },
      });
      expect([key, response.statusCode]).toEqual([key, 400]);
      expect(response.json()).toMatchObject({ code: 'invalid_request' });
    }
  });
});

describe('waiting for a job', () => {
  it('answers after the time with the job as it is, and at once when it has ended', async () => {
    const model = await startModel();
    const app = await startApp([definitionOf(model.url)]);
    model.always(hang());
    const job = await submit(app, { text: 'a' });
    const poll = (ms: number) => readJson<ShownJob>(fetch(`${app.url}/jobs/${job.id}?wait_ms=${ms}`));
    await expect.poll(async () => (await poll(0)).status).toBe('running');
    expect((await poll(50)).status).toBe('running');
    const waiting = poll(8000);
    await fetch(`${app.url}/jobs/${job.id}`, { method: 'DELETE' });
    expect((await waiting).status).toBe('cancelled');
  });

  it('ends with the job as it is when the gateway stops', async () => {
    const model = await startModel();
    const { app, ...running } = await startApp([definitionOf(model.url)], withoutWorker);
    const job = await submit(running, { text: 'a' });
    const waiting = readJson<ShownJob>(fetch(`${running.url}/jobs/${job.id}?wait_ms=8000`));
    const events = fetch(`${running.url}/jobs/${job.id}/events`);
    await events;
    const closed = app.close(5000);
    expect((await waiting).status).toBe('queued');
    expect(await (await events).text()).toMatch(/event: queued\ndata: .*\n\n$/);
    await closed;
  });
});

describe('the events of a job', () => {
  it('come as they happen, and end with the job', async () => {
    const model = await startModel();
    model.always(after(100, json({ prediction: 'positive' })));
    const app = await startApp([definitionOf(model.url)]);
    const { id } = await submit(app, { text: 'a' });
    const response = await fetch(`${app.url}/jobs/${id}/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = (await response.text()).split('\n\n').slice(1, -1);
    expect(events.map((event) => event.split('\n').slice(0, 2))).toEqual([
      ['id: 1', 'event: queued'],
      ['id: 2', 'event: running'],
      ['id: 3', 'event: succeeded'],
    ]);
    expect(JSON.parse(events[2]?.split('\ndata: ')[1] ?? '')).toEqual({
      status: 'succeeded',
      attempts: 1,
      at: expect.any(String),
    });
  });

  it('go on after Last-Event-ID, and are over with 204 when there are no more', async () => {
    const model = await startModel();
    const app = await startApp([definitionOf(model.url)]);
    const job = await submit(app, { text: 'a' });
    await ended(app, job);
    const eventsAfter = (id: string) =>
      fetch(`${app.url}/jobs/${job.id}/events`, { headers: { 'last-event-id': id } });
    const rest = await (await eventsAfter('1')).text();
    expect(rest.match(/^id: \d+$/gm)).toEqual(['id: 2', 'id: 3']);
    expect((await eventsAfter('3')).status).toBe(204);
    expect((await eventsAfter('three')).status).toBe(400);
  });

  it('keep the connection alive while nothing happens', async () => {
    const model = await startModel();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const app = await startApp([definitionOf(model.url)], withoutWorker);
    const { id } = await submit(app, { text: 'a' });
    const controller = new AbortController();
    const response = await fetch(`${app.url}/jobs/${id}/events`, { signal: controller.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    await vi.advanceTimersByTimeAsync(15_000);
    while (!text.endsWith(':\n\n')) text += (await reader?.read())?.value;
    controller.abort();
  });
});

describe('cancelling a job', () => {
  it('calls the model off, and shows the job as cancelled', async () => {
    const model = await startModel();
    model.always(hang());
    const app = await startApp([definitionOf(model.url)]);
    const [requested, aborted] = [model.requested(), model.aborted()];
    const { id } = await submit(app, { text: 'a' });
    await requested;
    const cancel = () => readJson<ShownJob>(fetch(`${app.url}/jobs/${id}`, { method: 'DELETE' }));
    expect(await cancel()).toMatchObject({ id, status: 'cancelled' });
    await aborted;
    expect(await cancel()).toMatchObject({ id, status: 'cancelled' });
  });
});

describe('the list of jobs', () => {
  it('shows the newest first, by skill and state, page by page', async () => {
    const model = await startModel();
    const app = await startApp(
      [definitionOf(model.url), definitionOf(model.url, { name: 'other' })],
      withoutWorker,
    );
    const ids: string[] = [];
    for (const skill of ['other', 'local_model_predict', 'other', 'other']) {
      ids.unshift((await submit(app, { text: 'a' }, { skill })).id);
    }
    const page = async (path: string) => {
      const response = await fetch(app.url + path);
      const { jobs, next } = await readJson<{ jobs: ShownJob[]; next?: string }>(response);
      expect(response.headers.get('link')).toBe(next === undefined ? null : `<${next}>; rel="next"`);
      return { ids: jobs.map(({ id }) => id), next };
    };
    expect(await page('/jobs')).toEqual({ ids, next: undefined });
    expect((await page('/jobs?status=running')).ids).toEqual([]);
    const first = await page('/jobs?skill=other&limit=2&status=queued');
    expect(first.ids).toEqual([ids[0], ids[1]]);
    expect(await page(first.next ?? '')).toEqual({ ids: [ids[3]], next: undefined });
  });

  it('says what is wrong with a query', async () => {
    const { url } = await startApp([], withoutWorker);
    for (const [path, detail] of [
      ['/jobs?status=done', 'status takes queued, running'],
      ['/jobs?limit=0', 'limit takes a whole number from 1 to 1000'],
      ['/jobs?limit=1001', 'limit takes'],
      ['/jobs?before=1', 'before takes the id of a job'],
      ['/jobs?skill=a&skill=b', 'skill is given more than once'],
      ...['-1', '1.5', '60001', 'soon'].map((ms) => [`/jobs/a?wait_ms=${ms}`, 'wait_ms takes'] as const),
    ] as const) {
      const response = await fetch(url + path);
      expect([path, response.status]).toEqual([path, 400]);
      expect(await response.json()).toMatchObject({
        code: 'invalid_request',
        detail: expect.stringContaining(detail),
      });
    }
  });
});
