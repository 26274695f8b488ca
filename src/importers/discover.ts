import { SkillgateError } from '../contracts/errors.ts';
import { isJsonObject, type JsonValue } from '../contracts/json.ts';
import { findShapeFault } from '../lib/json-shape.ts';
import type { Ask, ServerAnswer } from './ask.ts';
import { ImportError } from './import-error.ts';
import { listAt, memberAt, textAt } from './json.ts';
import { isOpenapi } from './openapi.ts';
import { routeOf, type ServerKind, type Target } from './target.ts';

/** One route that was asked, and what came of it. */
export interface Trial {
  readonly route: string;
  /** What asks for this route, for people. */
  readonly looksFor: string;
  readonly outcome: string;
}

/** A server whose kind is known. */
export interface Discovery {
  readonly kind: ServerKind;
  /** What the route answered by which the server was known. */
  readonly body: JsonValue;
  /** Where that was. */
  readonly url: URL;
  readonly tried: readonly Trial[];
}

/** What people call the kinds. */
export const kindNames: Readonly<Record<ServerKind, string>> = {
  'open-inference': 'Open Inference Protocol (Triton, MLServer, KServe, OpenVINO)',
  'tensorflow-serving': 'TensorFlow Serving',
  ollama: 'Ollama',
  openai: 'OpenAI API (vLLM, llama.cpp, SGLang, LM Studio)',
  openapi: 'OpenAPI document (FastAPI and others)',
};

interface Probe {
  readonly kind: ServerKind;
  readonly url: URL;
  readonly isIt: (answer: ServerAnswer) => boolean;
}

interface Outcome {
  readonly probe: Probe;
  readonly result: ServerAnswer | SkillgateError;
}

/**
 * Finds out what a server speaks, by asking it for what each kind of server tells of its models. Nothing of it is an
 * inference. The routes are asked at the same time; the first in the order of `target.kinds` that fits wins.
 *
 * @param model the model that the person named
 * @throws ImportError where none fits, with everything that was tried
 */
export async function discover(target: Target, model: string | undefined, ask: Ask): Promise<Discovery> {
  const probes = target.kinds.flatMap((kind) => probesOf(kind, target, model));
  const asked = askOnce(ask);
  const outcomes = await Promise.all(probes.map((probe) => tryOut(probe, asked)));
  const tried = outcomes.map(toTrial);
  for (const { probe, result } of outcomes) {
    if (result instanceof SkillgateError || !probe.isIt(result)) continue;
    const fault = findShapeFault(result.body);
    if (fault)
      throw new ImportError(`What ${probe.url.href} answers ${fault.message} (at ${fault.pointer || '/'}).`);
    return { kind: probe.kind, body: result.body ?? null, url: probe.url, tried };
  }
  throw new ImportError(explain(target, outcomes, tried));
}

/** Two kinds of servers may be known by one route. */
function askOnce(ask: Ask): Ask {
  const answers = new Map<string, Promise<ServerAnswer>>();
  return (url) => {
    const answer = answers.get(url.href) ?? ask(url);
    answers.set(url.href, answer);
    return answer;
  };
}

async function tryOut(probe: Probe, ask: Ask): Promise<Outcome> {
  try {
    return { probe, result: await ask(probe.url) };
  } catch (error) {
    if (!(error instanceof SkillgateError)) throw error;
    return { probe, result: error };
  }
}

function probesOf(
  kind: ServerKind,
  { root, documentUrl, version }: Target,
  model: string | undefined,
): Probe[] {
  const isGood = ({ status }: ServerAnswer) => status === 200;
  const at = (path: string) => routeOf(root, path);
  const name = model === undefined ? undefined : encodeURIComponent(model);
  const ofVersion = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`;
  switch (kind) {
    case 'open-inference': {
      const server: Probe = {
        kind,
        url: at('/v2'),
        isIt: (answer) => isGood(answer) && Array.isArray(memberAt(answer.body, 'extensions')),
      };
      if (name === undefined) return [server];
      const isModel = (answer: ServerAnswer) =>
        isGood(answer) && Array.isArray(memberAt(answer.body, 'inputs'));
      return [{ kind, url: at(`/v2/models/${name}${ofVersion}`), isIt: isModel }, server];
    }
    case 'tensorflow-serving': {
      // The server has no list of its models, and says so in these words (get_model_status).
      const missing = (answer: ServerAnswer) =>
        answer.status === 400 && /missing model name/i.test(textAt(answer.body, 'error') ?? '');
      const server: Probe = { kind, url: at('/v1/models'), isIt: missing };
      if (name === undefined) return [server];
      const isModel = (answer: ServerAnswer) =>
        isGood(answer) && isJsonObject(memberAt(answer.body, 'metadata'));
      return [{ kind, url: at(`/v1/models/${name}${ofVersion}/metadata`), isIt: isModel }, server];
    }
    case 'ollama':
      return [
        {
          kind,
          url: at('/api/tags'),
          isIt: (answer) => isGood(answer) && Array.isArray(memberAt(answer.body, 'models')),
        },
      ];
    case 'openai':
      return [
        {
          kind,
          url: at('/v1/models'),
          isIt: (answer) => isGood(answer) && Array.isArray(memberAt(answer.body, 'data')),
        },
      ];
    case 'openapi':
      return [
        {
          kind,
          url: documentUrl ?? at('/openapi.json'),
          isIt: (answer) => isGood(answer) && isOpenapi(answer.body),
        },
      ];
  }
}

function toTrial({ probe, result }: Outcome): Trial {
  return {
    route: `GET ${probe.url.pathname}${probe.url.search}`,
    looksFor: kindNames[probe.kind],
    outcome: result instanceof SkillgateError ? result.message : describe(result, probe),
  };
}

function describe(answer: ServerAnswer, probe: Probe): string {
  if (probe.isIt(answer)) return `${answer.status}, and this is it`;
  const { status, body } = answer;
  if (status === 401 || status === 403) return `${status}: asks for credentials`;
  const said = textAt(body, 'error') ?? textAt(body, 'error', 'message') ?? textAt(body, 'detail');
  if (said !== undefined) return `${status}: ${said.slice(0, 200)}`;
  return status === 200 ? '200, but nothing of the kind' : String(status);
}

function explain(
  { root, documentUrl }: Target,
  outcomes: readonly Outcome[],
  tried: readonly Trial[],
): string {
  const server = (documentUrl ?? root).href;
  const failures = outcomes.flatMap(({ result }) =>
    result instanceof SkillgateError ? [result.message] : [],
  );
  const [failure] = failures;
  if (failure !== undefined && failures.length === outcomes.length) {
    return `Nothing can be read from ${server}. ${failure}\nIs the server up, and is this its HTTP port?`;
  }
  const width = Math.max(...tried.map(({ route }) => route.length));
  const lines = tried.map(
    ({ route, looksFor, outcome }) => `  ${route.padEnd(width)}  ${outcome}  [${looksFor}]`,
  );
  const needsToken = outcomes.some(
    ({ result }) => !(result instanceof SkillgateError) && (result.status === 401 || result.status === 403),
  );
  const advice = needsToken
    ? 'It asks for credentials: --token-env NAME presents the bearer token that the variable NAME holds.'
    : 'A FastAPI service may have its document elsewhere: give its whole URL. A model that loads may be there in a minute.';
  return `${server} answers, but tells of no model that can be imported. Tried:\n${lines.join('\n')}\n${advice}`;
}

/** The states that a V2 server's repository index tells, by model; undefined where it has no index. */
export async function repositoryIndex(
  root: URL,
  ask: Ask,
): Promise<
  readonly { readonly name: string; readonly state: string; readonly reason: string }[] | undefined
> {
  const { status, body } = await ask(routeOf(root, '/v2/repository/index'), {});
  if (status !== 200 || !Array.isArray(body)) return undefined;
  return listAt({ models: body }, 'models').flatMap((entry) => {
    const name = textAt(entry, 'name');
    if (name === undefined) return [];
    return [{ name, state: textAt(entry, 'state') ?? '', reason: textAt(entry, 'reason') ?? '' }];
  });
}
