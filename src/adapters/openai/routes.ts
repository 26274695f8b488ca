import { serverRoutes } from '../shared/server-routes.ts';
import type { OpenaiOptions } from './options.ts';

/** Where an adapter's requests go. */
export interface Routes {
  /** The route that runs the model. */
  readonly call: URL;
  readonly models: URL;
  readonly health: URL;
  /** What the definition says that the probe is to ask. */
  readonly ready: URL | undefined;
  /** What Ollama has loaded. */
  readonly loaded: URL;
  /** Where a model is loaded: by llama.cpp, and by Ollama to generate text or to embed it. */
  readonly load: URL;
  readonly loadGenerator: URL;
  readonly loadEmbedder: URL;
}

/**
 * Finds the routes of a server.
 *
 * @param text its URL, with or without the `/v1` at the end
 */
export function routesOf(text: string, options: OpenaiOptions): Routes {
  const at = serverRoutes(text, '/v1');
  return {
    call: at(callPath(options)),
    models: at('/v1/models'),
    health: at('/health'),
    loaded: at('/api/ps'),
    load: at('/models/load'),
    loadGenerator: at('/api/generate'),
    loadEmbedder: at('/api/embed'),
    ready: options.ready_path === undefined ? undefined : new URL(options.ready_path, text),
  };
}

function callPath({ api, structured_output: structured, rerank_api: rerank }: OpenaiOptions): string {
  if (api === 'completions') return '/v1/completions';
  if (api === 'embeddings') return '/v1/embeddings';
  if (api === 'rerank') return rerank === 'tei' ? '/rerank' : '/v1/rerank';
  return structured === 'format' ? '/api/chat' : '/v1/chat/completions';
}
