import { type JobEvent, type JobSummary, jobStatuses } from '../../contracts/jobs.ts';
import type { StoredSummary } from './scripted-redis.ts';

/**
 * Makes a job of its fields as Redis gives them.
 *
 * @throws TypeError where they are not those of a job, which the scripts rule out
 */
export function toSummary(id: string, fields: StoredSummary): JobSummary & { readonly callerId: string } {
  const [skill, version, stored, attempts, created, started, ended, error, callerId] = fields;
  const status = jobStatuses.find((known) => known === stored);
  if (!skill || !version || !status || !attempts || !created || typeof callerId !== 'string') {
    throw new TypeError(`the record of the job ${id} is not whole`);
  }
  return {
    id,
    skill,
    version,
    status,
    attempts: Number(attempts),
    createdAtMs: Number(created),
    ...(started && { startedAtMs: Number(started) }),
    ...(ended && { endedAtMs: Number(ended) }),
    ...(error && { error: JSON.parse(error) }),
    callerId,
  };
}

/** Makes jobs of the `id, fields, id, fields, …` that a script gives. */
export function toSummaries(
  found: readonly (string | StoredSummary)[],
): readonly (JobSummary & { readonly callerId: string })[] {
  return pairs(found).map(([id, fields]) => {
    if (typeof id !== 'string' || typeof fields === 'string') throw new TypeError('no job and its fields');
    return toSummary(id, fields);
  });
}

/** @param index how many events of the job were before it */
export function toEvent(text: string, index: number): JobEvent {
  return { id: index + 1, ...JSON.parse(text) };
}

/** Cuts a flat list into groups of two. */
export function pairs<Item>(items: readonly Item[]): readonly (readonly [Item, Item])[] {
  return items.flatMap((first, index) => {
    const second = items[index + 1];
    return index % 2 === 0 && second !== undefined ? [[first, second] as const] : [];
  });
}
