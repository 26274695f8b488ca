import { onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/contracts/json.ts';
import { type Behaviour, json, startModelServer } from '../servers/model-server.ts';
import { plainDefinition } from '../skills/fixtures.ts';

/** Answers the text of the input in capitals. */
const shout: Behaviour = (response, request) => {
  const prediction = String(JSON.parse(request.body).text).toUpperCase();
  json({ prediction, confidence: 0.5 })(response, request);
};

/** Starts a model that shouts, or does something else, until the test ends. Gives its URL. */
export async function shoutingModel(behaviour: Behaviour = shout): Promise<string> {
  const server = await startModelServer();
  onTestFinished(() => server.close());
  server.always(behaviour);
  return `${server.url}/predict`;
}

/** A definition of the model at the URL. */
export function skillAt(url: string, changes: JsonObject = {}): JsonObject {
  return plainDefinition({ name: 'shout', endpoint: { url }, ...changes });
}
