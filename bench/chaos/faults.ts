import { setTimeout as wait } from 'node:timers/promises';
import type { UnreliableModel } from './model.ts';

/** Something that is done to the running system. Resolves when all that it took away is back. */
export type Fault = () => Promise<void>;

const patienceMs = 120_000;

/**
 * Does faults one after another at even shares of the work: each once the model has been called so often.
 *
 * @param jobCount how many jobs there are in all
 * @throws Error where the model is not called for two minutes
 */
export async function strikeEvenly(
  faults: readonly Fault[],
  model: UnreliableModel,
  jobCount: number,
): Promise<void> {
  for (const [index, fault] of faults.entries()) {
    await callsReach(model, ((index + 1) * jobCount) / (faults.length + 1));
    await fault();
  }
}

async function callsReach(model: UnreliableModel, calls: number): Promise<void> {
  let [last, lastChangeAt] = [model.calls, performance.now()];
  while (model.calls < calls) {
    if (model.calls > last) [last, lastChangeAt] = [model.calls, performance.now()];
    if (performance.now() - lastChangeAt > patienceMs) {
      throw new Error(`the model was called ${last} times, and no more since: no worker works`);
    }
    await wait(20);
  }
}
