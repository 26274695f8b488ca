import { hasEnded, type JobStatus } from '../../src/contracts/jobs.ts';
import { type RunningApp, readJson } from '../app.ts';

/** A job as the gateway shows it. */
export interface ShownJob {
  readonly id: string;
  readonly skill: string;
  readonly status: JobStatus;
  readonly attempts: number;
  readonly output?: unknown;
  readonly error?: { readonly code: string; readonly detail: string; readonly request_id: string };
}

/** Submits a job that has to be accepted. */
export async function submit(
  { post }: Pick<RunningApp, 'post'>,
  input: unknown,
  { skill = 'local_model_predict', headers = {} } = {},
): Promise<ShownJob> {
  const response = await post(input, { path: `/skills/${skill}/jobs`, headers });
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  return readJson(response);
}

/** The job when it has ended. Waits for as long as the test lasts. */
export async function ended({ url }: Pick<RunningApp, 'url'>, { id }: ShownJob): Promise<ShownJob> {
  for (;;) {
    const job = await readJson<ShownJob>(fetch(`${url}/jobs/${id}?wait_ms=8000`));
    if (hasEnded(job)) return job;
  }
}
