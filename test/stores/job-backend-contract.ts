import { describe } from 'vitest';
import { type JobStorage, jobSurroundings } from './job-contract-setup.ts';
import { describeJobQueue } from './job-queue-contract.ts';
import { describeJobStore } from './job-store-contract.ts';

/** What every place for jobs has to do. */
export function describeJobBackend(name: string, makeStorage: () => Promise<JobStorage>): void {
  describe(`${name} as a place for jobs`, () => {
    const surroundings = jobSurroundings(makeStorage);
    describeJobStore(surroundings);
    describeJobQueue(surroundings);
  });
}
