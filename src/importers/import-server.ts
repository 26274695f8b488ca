import type { JsonValue } from '../contracts/json.ts';
import { findShapeFault } from '../lib/json-shape.ts';
import { nearestName } from '../lib/nearest-name.ts';
import type { Ask } from './ask.ts';
import { type Discovery, discover, repositoryIndex } from './discover.ts';
import { ImportError } from './import-error.ts';
import type { Imported } from './imported-skill.ts';
import { listAt, textAt } from './json.ts';
import { importOpenInference } from './open-inference.ts';
import { importOpenai, type ListedModel, readModels, withUse } from './openai.ts';
import { importOpenapi, postPaths } from './openapi.ts';
import { below, readTarget, routeOf, serverUrl, type Target } from './target.ts';
import { importTensorflowServing } from './tensorflow-serving.ts';

export interface ImportServerOptions {
  readonly ask: Ask;
  /** The models that the person named; empty for whatever there is. */
  readonly models: readonly string[];
  /** Whether several models are imported unasked. */
  readonly all: boolean;
  /** The formats that a definition may name. */
  readonly knownFormats: ReadonlySet<string>;
}

/** What a server turned out to be, and what was made of it. */
export interface ServerImport extends Imported {
  readonly discovery: Discovery;
}

/**
 * Finds out what stands at a URL, and makes skills of its models.
 *
 * @param text a server, or one of its routes
 * @throws ImportError with a text for people, where nothing can be imported
 * @throws SkillgateError where the server stops answering in the middle
 */
export async function importServer(text: string, options: ImportServerOptions): Promise<ServerImport> {
  const target = readTarget(text);
  const models = options.models.length > 0 || target.model === undefined ? options.models : [target.model];
  const { discovery, root, path } = await discoverNear(target, models[0], options.ask);
  const asked = { ...options, models, root, version: target.version };
  switch (discovery.kind) {
    case 'open-inference':
      return { discovery, ...(await importV2(asked)) };
    case 'tensorflow-serving':
      return { discovery, ...(await importTensorflow(asked)) };
    case 'ollama':
    case 'openai':
      return { discovery, ...(await importLanguageModels(asked, discovery)) };
    case 'openapi':
      return { discovery, ...importDocument(asked, discovery, path) };
  }
}

interface Asked extends ImportServerOptions {
  readonly root: URL;
  readonly version: string | undefined;
}

interface Found {
  readonly discovery: Discovery;
  readonly root: URL;
  /** The path of the person's URL, where only the server above it could be read. */
  readonly path: string | undefined;
}

/** The URL of a prediction is good enough: what tells of it is then at the root of its server. */
async function discoverNear(target: Target, model: string | undefined, ask: Ask): Promise<Found> {
  try {
    return { discovery: await discover(target, model, ask), root: target.root, path: undefined };
  } catch (error) {
    if (!(error instanceof ImportError) || target.root.pathname === '/' || target.documentUrl) throw error;
    const root = below(target.root, '');
    try {
      const discovery = await discover({ ...target, root }, model, ask);
      return { discovery, root, path: target.root.pathname };
    } catch (second) {
      if (second instanceof ImportError) throw error;
      throw second;
    }
  }
}

async function importV2({ ask, root, models, all, version }: Asked): Promise<Imported> {
  const index = await repositoryIndex(root, ask);
  const known = index === undefined ? undefined : [...new Set(index.map(({ name }) => name))];
  if (known === undefined && models.length === 0) {
    throw new ImportError('The server does not list its models: name one with --model.', { isUsage: true });
  }
  const chosen = chooseModels(known ?? [], models, all, known !== undefined);
  const imported: Imported[] = [];
  for (const model of chosen) {
    const ofVersion = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`;
    const answer = await ask(routeOf(root, `/v2/models/${encodeURIComponent(model)}${ofVersion}`));
    if (answer.status === 200) {
      checkShape(answer.body, model);
      imported.push(importOpenInference(answer.body ?? null, { url: serverUrl(root), model, version }));
      continue;
    }
    const entry = index?.find(({ name }) => name === model);
    const state = entry && `${entry.state}${entry.reason && `: ${entry.reason}`}`;
    const reason = state || textAt(answer.body, 'error') || `the server answers ${answer.status}`;
    if (chosen.length === 1) throw notReady(model, reason);
    imported.push({
      skills: [],
      omissions: [{ what: `the model ${model}`, reason: `is not ready (${reason})` }],
    });
  }
  return joined(imported);
}

async function importTensorflow({ ask, root, models, version }: Asked): Promise<Imported> {
  if (models.length === 0) {
    throw new ImportError(
      `${serverUrl(root)} is TensorFlow Serving, which does not list its models: name one with --model, as in --model_name or the server's model_config_list.`,
      { isUsage: true },
    );
  }
  const imported: Imported[] = [];
  for (const model of models) {
    const ofVersion = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`;
    const path = `/v1/models/${encodeURIComponent(model)}${ofVersion}`;
    const answer = await ask(routeOf(root, `${path}/metadata`));
    if (answer.status !== 200) throw await explainTensorflow(model, answer.body, routeOf(root, path), ask);
    checkShape(answer.body, model);
    imported.push(importTensorflowServing(answer.body ?? null, { url: serverUrl(root), model, version }));
  }
  return joined(imported);
}

/** The server says "not found" of a model that it has not loaded, too; its status tells the two apart. */
async function explainTensorflow(
  model: string,
  metadata: JsonValue | undefined,
  statusUrl: URL,
  ask: Ask,
): Promise<ImportError> {
  const said = textAt(metadata, 'error') ?? 'it gives no metadata';
  const { status, body } = await ask(statusUrl);
  if (status !== 200)
    return new ImportError(`The server does not know the model ${model}: ${textAt(body, 'error') ?? said}`);
  const versions = listAt(body, 'model_version_status').map((entry) => {
    const message = textAt(entry, 'status', 'error_message');
    return `version ${textAt(entry, 'version') ?? '?'} is ${textAt(entry, 'state') ?? 'unknown'}${message ? ` (${message})` : ''}`;
  });
  return notReady(model, versions.join(', ') || said);
}

async function importLanguageModels(
  { ask, root, models, all }: Asked,
  { kind, body }: Discovery,
): Promise<Imported> {
  const listed = readModels(body);
  const names = listed.map(({ name }) => name);
  const wanted = models.map((model) => (names.includes(`${model}:latest`) ? `${model}:latest` : model));
  const chosen = chooseModels(names, wanted, all, true);
  const url = serverUrl(root);
  const skills = [];
  for (const name of chosen) {
    const model = listed.find((candidate) => candidate.name === name);
    if (model === undefined) continue;
    skills.push(importOpenai(kind === 'ollama' ? await askOllama(model, root, ask) : model, url));
  }
  return { skills, omissions: [] };
}

/** Ollama tells what a model can do, one by one (docs/api.md, show model information). */
async function askOllama(model: ListedModel, root: URL, ask: Ask): Promise<ListedModel> {
  if (!model.isGuess) return model;
  const { status, body } = await ask(routeOf(root, '/api/show'), { model: model.name });
  return status === 200 ? withUse(model.name, listAt(body, 'capabilities')) : model;
}

/** Every route is a skill; those that were named, or whose URL was given, alone. */
function importDocument(
  { models, knownFormats }: Asked,
  { body, url }: Discovery,
  path: string | undefined,
): Imported {
  const known = postPaths(body);
  const named = models.length > 0 ? models : path !== undefined && known.includes(path) ? [path] : undefined;
  const paths = named?.map((name) => known.find((one) => one === name || one === `/${name}`) ?? name);
  const missing = paths?.find((one) => !known.includes(one));
  if (missing !== undefined) throw unknownName(missing, known, 'route that takes a POST');
  const imported = importOpenapi(body, { documentUrl: url, knownFormats, paths });
  if (imported.skills.length > 0) return imported;
  const reasons = imported.omissions.map(({ what, reason }) => `\n  ${what} ${reason}`);
  throw new ImportError(
    `The document of ${url.href} has no POST with a JSON body that can be a skill.${reasons.join('')}`,
  );
}

/**
 * The models to import: those that were named, or the only one.
 *
 * @param isWhole whether the list has every model there is
 */
function chooseModels(
  known: readonly string[],
  named: readonly string[],
  all: boolean,
  isWhole: boolean,
): readonly string[] {
  if (named.length > 0) {
    const missing = isWhole ? named.find((name) => !known.includes(name)) : undefined;
    if (missing !== undefined) throw unknownName(missing, known, 'model');
    return named;
  }
  if (known.length === 0) throw new ImportError('The server is up, and has no model.');
  if (known.length === 1 || all) return known;
  throw new ImportError(
    `The server has ${known.length} models: ${known.join(', ')}.\nChoose with --model NAME (again for several), or take them with --all.`,
    { isUsage: true },
  );
}

function unknownName(name: string, known: readonly string[], kind: string): ImportError {
  const near = nearestName(name, known);
  const advice = near === undefined ? `There are: ${known.join(', ') || 'none'}.` : `Did you mean ${near}?`;
  return new ImportError(`There is no ${kind} ${name}. ${advice}`);
}

function notReady(model: string, reason: string): ImportError {
  return new ImportError(
    `The model ${model} is not ready: ${reason}. Its metadata can be read when it is loaded; try again then.`,
  );
}

/** @throws ImportError where a document is nested too deeply to be walked */
function checkShape(body: JsonValue | undefined, model: string): void {
  const fault = findShapeFault(body);
  if (fault) throw new ImportError(`The metadata of ${model} ${fault.message} (at ${fault.pointer || '/'}).`);
}

function joined(parts: readonly Imported[]): Imported {
  return {
    skills: parts.flatMap(({ skills }) => skills),
    omissions: parts.flatMap(({ omissions }) => omissions),
  };
}
