import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/contracts/json.ts';
import { strategicMerge } from './strategic-merge.ts';

const fields = new Set(['apiVersion', 'kind', 'namespace', 'resources', 'patches', 'configMapGenerator']);

/** Kinds of no namespace. */
const clusterWide = new Set(['Namespace']);

/**
 * Renders a folder with a kustomization.yaml, as `kustomize build` does, for what deploy/ uses of Kustomize.
 * `npm run compare:kustomize` holds it against the real one.
 *
 * @throws Error where the kustomization uses more, or a patch meets nothing
 */
export async function render(folder: string): Promise<JsonObject[]> {
  const kustomization = await readOne(join(folder, 'kustomization.yaml'));
  const unknown = Object.keys(kustomization).filter((field) => !fields.has(field));
  if (unknown.length > 0) throw new Error(`${folder}: ${unknown.join(', ')} not known here`);

  let resources: JsonObject[] = [];
  for (const path of stringsIn(kustomization.resources)) {
    const source = join(folder, path);
    const isFolder = (await stat(source)).isDirectory();
    resources.push(...(isFolder ? await render(source) : await readAll(source)));
  }
  for (const generator of objectsIn(kustomization.configMapGenerator)) {
    resources.push(await generateConfigMap(folder, generator));
  }
  for (const patch of objectsIn(kustomization.patches)) {
    resources = applyPatch(resources, await readOne(join(folder, textOf(patch.path))));
  }
  const { namespace } = kustomization;
  if (namespace === undefined) return resources;
  return resources.map((resource) =>
    clusterWide.has(textOf(resource.kind)) ? resource : strategicMerge(resource, { metadata: { namespace } }),
  );
}

function applyPatch(resources: readonly JsonObject[], patch: JsonObject): JsonObject[] {
  const meets = resources.filter((resource) => identityOf(resource) === identityOf(patch));
  if (meets.length !== 1) throw new Error(`the patch ${identityOf(patch)} meets ${meets.length} resources`);
  return resources.map((resource) => (resource === meets[0] ? strategicMerge(resource, patch) : resource));
}

async function generateConfigMap(folder: string, { name, files, options }: JsonObject): Promise<JsonObject> {
  if (!isJsonObject(options) || options.disableNameSuffixHash !== true) {
    throw new Error(`ConfigMap ${textOf(name)}: names with a hash are not known here`);
  }
  const data: JsonObject = {};
  for (const path of stringsIn(files)) data[basename(path)] = await readFile(join(folder, path), 'utf8');
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: textOf(name) }, data };
}

/** Kind and name, by which a patch finds its resource. */
export function identityOf({ kind, metadata }: JsonObject): string {
  return `${textOf(kind)}/${isJsonObject(metadata) ? textOf(metadata.name) : ''}`;
}

async function readOne(path: string): Promise<JsonObject> {
  const [document, ...more] = await readAll(path);
  if (document === undefined || more.length > 0) throw new Error(`${path}: takes one document`);
  return document;
}

/** The documents of a file or of a text with `---` between them. */
async function readAll(path: string): Promise<JsonObject[]> {
  return parseResources(await readFile(path, 'utf8'));
}

/** @throws Error where the text is not YAML, or a document no object */
export function parseResources(text: string): JsonObject[] {
  return parseAllDocuments(text).map((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw fault;
    const value: JsonValue = document.toJS();
    if (!isJsonObject(value)) throw new Error('takes an object');
    return value;
  });
}

function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return listIn(value).filter(isJsonObject);
}

function stringsIn(value: JsonValue | undefined): string[] {
  return listIn(value).map(textOf);
}

function listIn(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new Error(`takes text, given ${JSON.stringify(value)}`);
  return value;
}
