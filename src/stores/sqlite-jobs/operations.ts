import type { DatabaseSync } from 'node:sqlite';
import { createChanges } from './changes.ts';
import type { Journal } from './journal.ts';
import type { Operations, ThreadSetup } from './protocol.ts';
import { createQuestions } from './questions.ts';
import { createRuns } from './runs.ts';
import { createSubmit } from './submit.ts';
import { createTake } from './take.ts';

/** Everything that can be done with an open job file. */
export function createOperations(database: DatabaseSync, setup: ThreadSetup, journal: Journal): Operations {
  const questions = createQuestions(database);
  return {
    ...questions,
    ...createSubmit(database, { queueMax: setup.queueMax, questions, journal }),
    ...createTake(database, journal),
    ...createRuns(database, { leaseMs: setup.leaseMs, maxAttempts: setup.maxAttempts, journal }),
    ...createChanges(database, { resultTtlMs: setup.resultTtlMs, questions, journal }),
  };
}
