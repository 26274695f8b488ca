import type { JsonValue } from '../../contracts/json.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';

/** Reads the description of a model (management API, describe model): one worker that is ready is enough. */
export function readWorkers(body: JsonValue): ModelStatus {
  const workers = itemsOf(body).flatMap((version) => itemsOf(membersOf(version).workers).map(membersOf));
  const ready = workers.filter(({ status }) => status === 'READY').length;
  if (ready > 0) return { state: 'ready', reason: `${ready} of ${workers.length} workers are ready.` };
  if (workers.length === 0) return { state: 'not_ready', reason: 'The model has no workers.' };
  return { state: 'loading', reason: `None of ${workers.length} workers is ready yet.` };
}

/** Reads the health of the server (`/ping`): it says nothing of a single model. */
export function readPing(body: JsonValue): ModelStatus {
  const { status } = membersOf(body);
  if (status === 'Unhealthy') return { state: 'not_ready', reason: 'The server calls itself unhealthy.' };
  return { state: 'ready', reason: `The server calls itself ${String(status ?? 'healthy').toLowerCase()}.` };
}

/** Reads the readiness of a model (KServe V1, `GET /v1/models/MODEL`). */
export function readKserveModel(body: JsonValue): ModelStatus {
  const { ready } = membersOf(body);
  if (ready === false || ready === 'False')
    return { state: 'loading', reason: 'The model is not ready yet.' };
  return { state: 'ready', reason: 'The model is ready.' };
}
