import type { AdapterContext } from '../../contracts/adapter.ts';
import { SkillgateError } from '../../contracts/errors.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';
import { isSuccess, readJsonAnswer, refusalOf } from '../shared/upstream-answer.ts';
import type { Routes } from './routes.ts';

export interface ResidencyOptions extends Pick<AdapterContext, 'definition' | 'transport'> {
  readonly headers: Readonly<Record<string, string>>;
  readonly routes: Routes;
  /** Whether the model embeds texts: Ollama loads such a model by another route. */
  readonly embeds: boolean;
}

/** Whether a model is in its server's memory, and how it gets there, at servers that unload models when idle. */
export interface Residency {
  /** Corrects the word of a server that counts models as ready which it has not loaded. */
  check(listed: ModelStatus, signal: AbortSignal): Promise<ModelStatus>;
  /** @throws SkillgateError see `Adapter.load` */
  load(signal: AbortSignal): Promise<void>;
}

/**
 * Ollama lists in `/api/ps` what is loaded, and loads a model at an empty request (docs/api.md); llama.cpp in router mode
 * tells the state of each model in its list, and loads at `POST /models/load` (tools/server/README.md).
 */
export function createResidency({
  definition,
  transport,
  headers,
  routes,
  embeds,
}: ResidencyOptions): Residency {
  const { model = '' } = definition.endpoint;
  let isOllama = false;

  return {
    async check(listed, signal) {
      if (listed.state !== 'ready') return listed;
      const response = await transport.exchange({ method: 'GET', url: routes.loaded, headers, signal });
      if (!isSuccess(response.status)) return listed;
      isOllama = true;
      const names = itemsOf(membersOf(readJsonAnswer(response)).models).map((entry) => membersOf(entry).name);
      const isLoaded = names.includes(model) || names.includes(`${model}:latest`);
      return isLoaded ? listed : { state: 'not_ready', reason: `The server has not loaded ${model}.` };
    },

    async load(signal) {
      const url = isOllama ? (embeds ? routes.loadEmbedder : routes.loadGenerator) : routes.load;
      const response = await transport.exchange({
        method: 'POST',
        url,
        headers,
        body: JSON.stringify({ model, ...(isOllama && { stream: false }) }),
        signal,
      });
      if (isSuccess(response.status)) return;
      const refusal = refusalOf(response);
      if (refusal.code !== 'upstream_error' || response.status >= 500) throw refusal;
      throw new SkillgateError('model_not_ready', `The model cannot be loaded. ${refusal.message}`, {
        mayHaveRun: false,
        retryable: false,
      });
    },
  };
}
