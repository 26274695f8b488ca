import { expect, onTestFinished } from 'vitest';
import type {
  JobBackend,
  JobBackendOptions,
  JobExecution,
  JobRequest,
  JobWant,
  Watch,
} from '../../src/contracts/jobs.ts';
import type { Problem } from '../../src/contracts/problem.ts';

/** Where jobs are kept during one test. Every backend that it opens is a process of its own to the others. */
export interface JobStorage {
  open(options: JobBackendOptions): Promise<JobBackend>;
}

/** Opens the storage of one test, as a process of its own. */
export type OpenBackend = (options?: Partial<JobBackendOptions>) => Promise<JobBackend>;

const defaults: JobBackendOptions = {
  queueMax: 100,
  leaseMs: 10_000,
  maxAttempts: 3,
  resultTtlMs: 60_000,
  warn: (event, error) => {
    throw new Error(event, { cause: error });
  },
};

let lastId = 0;

/** A job of the skill `echo` by `ann`, younger than all before it. */
export function jobRequest(overrides: Partial<JobRequest> = {}): JobRequest {
  lastId += 1;
  return {
    id: `019aa000-0000-7000-8000-${lastId.toString(16).padStart(12, '0')}`,
    skill: 'echo',
    version: '1.0.0',
    inputJson: '{"text":"hello"}',
    caller: { id: 'ann', skills: new Set(['echo', 'other']) },
    requestId: 'request-1',
    traceparent: undefined,
    cacheDirective: 'default',
    createdAtMs: Date.now(),
    ...overrides,
  };
}

/** A worker with places for anything. */
export function want(overrides: Partial<JobWant> = {}): JobWant {
  return { count: 10, places: new Map(), sharedLimits: new Map(), ...overrides };
}

export const success = { status: 'succeeded', outputJson: '{"prediction":"en"}', version: '1.0.0' } as const;

export const problem: Problem = {
  type: 'urn:skillgate:error:model_not_ready',
  title: 'The model is not ready',
  status: 503,
  detail: 'The model is loading.',
  code: 'model_not_ready',
  request_id: 'request-1',
};

/** Accepts a job that has to be accepted. */
export async function accept(backend: JobBackend, overrides: Partial<JobRequest> = {}): Promise<JobRequest> {
  const request = jobRequest(overrides);
  expect(await backend.submit(request, undefined)).toMatchObject({ kind: 'accepted' });
  return request;
}

/** Takes what can be taken, and waits until there is something. */
export async function takeSome(
  backend: JobBackend,
  wanted: JobWant = want(),
): Promise<readonly JobExecution[]> {
  const watch = await backend.watchDue();
  try {
    for (;;) {
      const executions = await backend.take(wanted);
      if (executions.length > 0) return executions;
      await watch.changed(AbortSignal.timeout(5000));
    }
  } finally {
    watch.close();
  }
}

/** Takes the one job that there is. */
export async function takeOne(backend: JobBackend): Promise<JobExecution> {
  const [execution, ...others] = await takeSome(backend);
  if (execution === undefined || others.length > 0) throw new Error(`${others.length + 1} jobs were there`);
  return execution;
}

export async function statusOf(backend: JobBackend, { id }: { readonly id: string }) {
  return (await backend.find(id, 'ann'))?.status;
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Resolves when the watch tells of a change, and looks again until the condition holds. */
export async function until(watch: Watch, condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await watch.changed(AbortSignal.timeout(5000));
}

/** The ways in which a test gets at storage of its own. */
export interface JobSurroundings {
  /** Storage, and a way to open it as often as there are processes. */
  storage(): Promise<OpenBackend>;
  /** Storage with one process. */
  oneBackend(options?: Partial<JobBackendOptions>): Promise<JobBackend>;
}

export function jobSurroundings(makeStorage: () => Promise<JobStorage>): JobSurroundings {
  async function storage(): Promise<OpenBackend> {
    const { open } = await makeStorage();
    return async (options = {}) => {
      const backend = await open({ ...defaults, ...options });
      onTestFinished(() => backend.close());
      return backend;
    };
  }
  return {
    storage,
    async oneBackend(options = {}) {
      const open = await storage();
      return open(options);
    },
  };
}
