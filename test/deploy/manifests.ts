import { isJsonObject, type JsonObject, type JsonValue } from '../../src/contracts/json.ts';

/** The first resource of a kind, or that of a name. @throws Error where there is none */
export function find(resources: readonly JsonObject[], kind: string, name?: string): JsonObject {
  const found = resources.find(
    (resource) => resource.kind === kind && (name === undefined || at(resource, 'metadata', 'name') === name),
  );
  if (found === undefined) throw new Error(`no ${kind} ${name ?? ''}`);
  return found;
}

/** The names of the Deployments. */
export function deploymentsOf(resources: readonly JsonObject[]): string[] {
  return resources
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ metadata }) => String(at(metadata, 'name')));
}

/** The Deployments whose pods have these labels. */
export function selectedBy(resources: readonly JsonObject[], labels: JsonValue | undefined): string[] {
  const wanted = Object.entries(objectOf(labels));
  return deploymentsOf(resources).filter((name) => {
    const template = at(find(resources, 'Deployment', name), 'spec', 'template', 'metadata', 'labels');
    return wanted.every(([label, value]) => at(template, label) === value);
  });
}

/** The pod of a Deployment. */
export function podOf(resources: readonly JsonObject[], name: string): JsonObject {
  return objectOf(at(find(resources, 'Deployment', name), 'spec', 'template', 'spec'));
}

/** The one container of a Deployment. */
export function containerOf(resources: readonly JsonObject[], name = 'skillgate'): JsonObject {
  return objectOf(listOf(podOf(resources, name).containers)[0]);
}

/** The volume that the container has in a folder. */
export function volumeAt(
  resources: readonly JsonObject[],
  name: string,
  folder: string | undefined,
): JsonObject | undefined {
  const mount = listOf(containerOf(resources, name).volumeMounts).find(
    ({ mountPath }) => mountPath === folder,
  );
  return listOf(podOf(resources, name).volumes).find((volume) => volume.name === mount?.name);
}

/** The variables of the container; one that comes from a Secret has no value here. */
export function environmentOf(
  resources: readonly JsonObject[],
  name = 'skillgate',
): Record<string, string | undefined> {
  const rows = listOf(containerOf(resources, name).env);
  return Object.fromEntries(
    rows.map(({ name: variable, value }) => [
      String(variable),
      typeof value === 'string' ? value : undefined,
    ]),
  );
}

/** The member at the end of a path, if there is one. */
export function at(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (member, name) => (isJsonObject(member) ? member[name] : undefined),
    value,
  );
}

/** @throws Error where the value is none */
export function objectOf(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) throw new Error(`takes an object, given ${JSON.stringify(value)}`);
  return value;
}

/** The objects of a list; none where there is no list. */
export function listOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
