import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../src/contracts/json.ts';
import type { Door, Question, WrittenSkill } from './model-server.ts';
import { writeSkill } from './skill.ts';
import { post } from './wait.ts';

/** How long the model `slow` takes in the calls that callers leave, in seconds. */
const longSeconds = 4;

/** The parts of a door that are the same for all servers with a model repository, and their model `slow`. */
export interface RepositoryDoor {
  readonly skills: readonly WrittenSkill[];
  readonly loading: Door['loading'];
  readonly unloading: Door['unloading'];
  readonly long: Question;
  readonly short: Question;
}

/**
 * Makes them, for the model repository extension of the Open Inference Protocol.
 *
 * @param prefix of the names of the skills, which are to differ between doors
 * @param url the server as the skills reach it
 * @param repository the server over HTTP, which is told to load and unload
 */
export function repositoryDoor(prefix: string, url: string, repository: string): RepositoryDoor {
  const endpoint: JsonObject = { protocol: 'open-inference', url, model: 'slow' };
  const inputs: JsonObject = { seconds: { type: 'number' } };
  const outputs: JsonObject = { slept: {} };
  const slow = writeSkill(`${prefix}_slow`, endpoint, inputs, outputs);
  const loads = writeSkill(`${prefix}_loads`, endpoint, inputs, outputs, {
    concurrency: { queue_ms: 30_000 },
    readiness: { load: true, interval_ms: 1000 },
  });
  const tell = (verb: string) => post(`${repository}/v2/repository/models/slow/${verb}`);
  const short: Question = { skill: slow.name, input: { seconds: 0.05 } };
  return {
    skills: [slow, loads],
    loading: {
      ...short,
      async begin() {
        await tell('unload');
        // Triton says so before it has; a call that meets it then waits for the next load.
        await waitUntilGone(`${repository}/v2/models/slow`);
        // Loads beside the calls that find it at that; how it ends, they show.
        tell('load').catch((error: unknown) => console.error(String(error)));
      },
    },
    unloading: { ...short, unload: () => tell('unload'), load: loads.name },
    long: { skill: slow.name, input: { seconds: longSeconds } },
    short,
  };
}

/** @throws Error where the server has the model for ten more seconds */
async function waitUntilGone(url: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await fetch(url)).ok) {
    if (performance.now() > deadline) throw new Error('the server does not unload the model');
    await sleep(50);
  }
}
