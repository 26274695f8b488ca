import { ImportError } from './import-error.ts';

/** What a server may speak of that can be imported. */
export type ServerKind = 'open-inference' | 'tensorflow-serving' | 'ollama' | 'openai' | 'openapi';

/** What the URL of a person says. */
export interface Target {
  /** The server, without a route. */
  readonly root: URL;
  /** What it can be, the likeliest first. */
  readonly kinds: readonly ServerKind[];
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** The OpenAPI document itself. */
  readonly documentUrl?: URL;
}

const allKinds: readonly ServerKind[] = [
  'open-inference',
  'tensorflow-serving',
  'ollama',
  'openai',
  'openapi',
];

/** Routes by which a server is known, with the groups: what stands before, the model, its version. */
const routes: readonly (readonly [RegExp, readonly ServerKind[]])[] = [
  [/^(.*)\/v2\/models\/([^/:]+)(?:\/versions\/([^/:]+))?(?:\/[a-z]+)?$/, ['open-inference']],
  [/^(.*)\/v2(?:\/(?:models|health\/[a-z]+|repository\/index))?$/, ['open-inference']],
  [
    /^(.*)\/v1\/models\/([^/:]+)(?:\/versions\/([^/:]+))?(?:\/metadata|:[a-z]+)?$/,
    ['tensorflow-serving', 'openai'],
  ],
  [
    /^(.*)\/v1(?:\/models|\/chat\/completions|\/completions|\/embeddings)?$/,
    ['openai', 'tensorflow-serving'],
  ],
  [/^(.*)\/api(?:\/[a-z]+)?$/, ['ollama']],
];

/**
 * Reads the URL that a person gave: a server, or one of its routes, which then says what the server is.
 *
 * @throws ImportError where it is no URL of HTTP
 */
export function readTarget(text: string): Target {
  if (/^(?:\.{0,2}\/|~)/.test(text)) {
    throw new ImportError(`${text} is a path; of files, those that end in .onnx can be imported.`, {
      isUsage: true,
    });
  }
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || url.hostname === '') {
    throw new ImportError(`${text} is neither a URL nor a file.`, { isUsage: true });
  }
  if (/^grpcs?:$/.test(url.protocol)) {
    throw new ImportError(
      `Metadata is read over HTTP: give the REST port of the server (TensorFlow Serving: 8501, Triton: 8000). The definition may say ${url.protocol}// afterwards.`,
      { isUsage: true },
    );
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw new ImportError(
      `${text} has to begin with http:// or https://, or to be a file that ends in .onnx.`,
      {
        isUsage: true,
      },
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new ImportError(
      'A URL must not hold a user or a password; --token-env names a variable with a token.',
      {
        isUsage: true,
      },
    );
  }
  url.hash = '';
  const path = url.pathname.replace(/\/+$/, '');
  if (/\.json$/.test(path)) return { root: below(url, ''), kinds: ['openapi'], documentUrl: url };
  const docs = /^(.*)\/(?:docs|redoc)$/.exec(path);
  if (docs) return { root: below(url, docs[1] ?? ''), kinds: ['openapi'] };
  for (const [pattern, kinds] of routes) {
    const [, before = '', model, version] = pattern.exec(path) ?? [];
    if (!pattern.test(path)) continue;
    return { root: below(url, before), kinds, model: decoded(model), version: decoded(version) };
  }
  return { root: below(url, path), kinds: allKinds };
}

/** A URL on the same server. */
export function below(url: URL, path: string): URL {
  const other = new URL(url.origin);
  other.pathname = path || '/';
  return other;
}

/** A route of the server. */
export function routeOf(root: URL, path: string): URL {
  return below(root, root.pathname.replace(/\/+$/, '') + path);
}

/** The server as a definition is to have it: without the slash that stands for nothing. */
export function serverUrl(root: URL): string {
  return root.href.replace(/\/+$/, '');
}

function decoded(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}
