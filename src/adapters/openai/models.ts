import type { JsonValue } from '../../contracts/json.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';

/**
 * Reads the list of models (`GET /v1/models`). llama.cpp with one model takes any name; with several (router mode) it
 * tells the state of each, and loads one that is unloaded at the first call, as Ollama does.
 *
 * @param model the name that the definition gives; undefined where it leaves the choice to the server
 * @param loadsFirst whether somebody loads an unloaded model before it is called, so that it does not count as ready
 */
export function readModelList(body: JsonValue, model: string | undefined, loadsFirst = false): ModelStatus {
  const models = itemsOf(membersOf(body).data ?? membersOf(body).models).map(membersOf);
  if (models.length === 0) return { state: 'not_ready', reason: 'The server lists no model.' };
  if (model === undefined) return { state: 'ready', reason: 'The server lists its models.' };
  const names = new Set([model, `${model}:latest`]);
  const entry = models.find(({ id, name, aliases }) =>
    [id, name, ...itemsOf(aliases)].some((known) => typeof known === 'string' && names.has(known)),
  );
  if (entry) return statusOf(model, membersOf(entry.status), loadsFirst);
  const [only] = models;
  if (models.length === 1 && only?.owned_by === 'llamacpp') {
    return {
      state: 'ready',
      reason: `The server has one model, ${String(only.id)}, whatever it is asked for.`,
    };
  }
  return { state: 'not_ready', reason: `The server does not list the model ${model}.` };
}

function statusOf(
  model: string,
  { value, failed }: Readonly<Record<string, JsonValue | undefined>>,
  loadsFirst: boolean,
): ModelStatus {
  if (value === 'loading' || value === 'downloading') {
    return { state: 'loading', reason: `The server is ${value} ${model}.` };
  }
  if (failed === true) return { state: 'not_ready', reason: `The server failed to load ${model}.` };
  if (value === 'unloaded' || value === 'sleeping') {
    if (loadsFirst) return { state: 'not_ready', reason: `${model} is ${value}.` };
    return { state: 'ready', reason: `${model} is ${value}: the next call loads it.` };
  }
  return { state: 'ready', reason: `The server lists ${model}.` };
}
