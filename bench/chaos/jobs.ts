import { readMetrics } from '../metrics.ts';
import type { UnreliableModel } from './model.ts';

/** A job as the gateway shows it, as far as it matters here. */
interface ShownJob {
  readonly id: string;
  readonly status: string;
  readonly attempts: number;
  readonly output?: { readonly prediction: string };
}

/** What became of the jobs. */
export interface Verdict {
  readonly accepted: number;
  /** Jobs that there are, those included that nobody was told of. */
  readonly made: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Jobs that needed more than one run. */
  readonly repeated: number;
  /** Accepted, and unknown or not ended at the end. */
  readonly lost: number;
  /** Ended more than once, or with a result that changed or that no call of the model gave. */
  readonly torn: number;
}

const statuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled'];

/** How many requests a client has under way. */
const lanes = 32;

/**
 * Submits jobs to the gateways by turns, each until it is accepted: whoever gets no answer asks again with the same
 * key, and another gateway.
 *
 * @returns the inputs' texts by job
 */
export async function submitAll(
  urls: readonly string[],
  skill: string,
  count: number,
): Promise<Map<string, string>> {
  const jobs = new Map<string, string>();
  await spread(count, async (number) => {
    const text = `input ${number}`;
    const job = await insist<ShownJob>(inTurn(urls, number), `/skills/${skill}/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `key-${number}` },
      body: JSON.stringify({ text }),
    });
    if (job === undefined) throw new Error('the skill is not there');
    jobs.set(job.id, text);
  });
  return jobs;
}

/** Waits for the end of every job, and looks at each of them twice, the second time through another gateway. */
export async function judge(
  urls: readonly string[],
  jobs: ReadonlyMap<string, string>,
  model: UnreliableModel,
): Promise<Verdict> {
  const verdict = { accepted: jobs.size, made: 0, succeeded: 0, failed: 0, repeated: 0, lost: 0, torn: 0 };
  const entries = [...jobs];
  const first = new Map<string, string>();
  await spread(entries.length, async (index) => {
    const [id = '', text = ''] = entries[index] ?? [];
    const job = await ended(inTurn(urls, index), id);
    if (job === undefined) {
      verdict.lost += 1;
      return;
    }
    first.set(id, JSON.stringify(job));
    if (job.status === 'succeeded') verdict.succeeded += 1;
    else verdict.failed += 1;
    if (job.attempts > 1) verdict.repeated += 1;
    const ends = (await endsOf(inTurn(urls, index), id)).length;
    const isKnown =
      job.status !== 'succeeded' || model.answersTo(text).includes(job.output?.prediction ?? '');
    if (ends !== 1 || !isKnown) verdict.torn += 1;
  });
  await spread(entries.length, async (index) => {
    const [id = ''] = entries[index] ?? [];
    const again = JSON.stringify(await insist<ShownJob>(inTurn(urls, index + 1), `/jobs/${id}`));
    if (first.has(id) && first.get(id) !== again) verdict.torn += 1;
  });
  return { ...verdict, made: await made(urls) };
}

async function made([url = '']: readonly string[]): Promise<number> {
  const metric = await readMetrics({ port: Number(new URL(url).port) });
  return statuses.reduce((sum, status) => sum + metric(`skillgate_jobs{status="${status}"}`), 0);
}

/** How long a job is waited for: a message that the broker lost is sent again after two minutes. */
const patienceMs = 240_000;

/** A gateway that says nothing for so long has failed, whatever befell it. */
const answerWithinMs = 30_000;

/** The gateways, beginning with another one for each number. */
function inTurn(urls: readonly string[], number: number): readonly string[] {
  const from = number % urls.length;
  return [...urls.slice(from), ...urls.slice(0, from)];
}

async function ended(urls: readonly string[], id: string): Promise<ShownJob | undefined> {
  const giveUpAt = performance.now() + patienceMs;
  while (performance.now() < giveUpAt) {
    const job = await insist<ShownJob>(urls, `/jobs/${id}?wait_ms=10000`);
    if (job === undefined || !['queued', 'running'].includes(job.status)) return job;
  }
  return undefined;
}

async function endsOf([url]: readonly string[], id: string): Promise<readonly string[]> {
  const text = await (await fetch(`${url}/jobs/${id}/events`)).text();
  return text.match(/^event: (succeeded|failed|cancelled)$/gm) ?? [];
}

/**
 * Asks by turns until there is an answer that is neither a broken connection nor a refusal for the moment.
 *
 * @returns undefined where there is no such thing (404)
 */
async function insist<Body>(
  urls: readonly string[],
  path: string,
  init: RequestInit = {},
): Promise<Body | undefined> {
  const giveUpAt = performance.now() + patienceMs;
  let last: unknown;
  for (let attempt = 0; performance.now() < giveUpAt; attempt += 1) {
    try {
      const signal = AbortSignal.timeout(answerWithinMs);
      const response = await fetch(`${urls[attempt % urls.length]}${path}`, { ...init, signal });
      const body = await response.text();
      if (response.ok) return JSON.parse(body);
      last = `${response.status} ${body}`;
      if (response.status === 404) return undefined;
      if (response.status < 500) break;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${init.method ?? 'GET'} ${path} got no answer`, { cause: last });
}

async function spread(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (next < count) await work(next++);
    }),
  );
}
