import { isJsonObject, type JsonObject, type JsonValue } from '../../src/contracts/json.ts';

/** By what the elements of a list are told apart, where Kubernetes merges a list rather than replacing it. */
const mergeKeys: Readonly<Record<string, string>> = {
  containers: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  initContainers: 'name',
  topologySpreadConstraints: 'topologyKey',
  volumeMounts: 'mountPath',
  volumes: 'name',
};

/**
 * Lays a strategic merge patch over a resource: objects merge, null removes, lists merge by their key where Kubernetes
 * gives them one and are replaced otherwise. Directives (`$patch` and the like) are refused.
 */
export function strategicMerge(target: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) throw new Error(`${name} is not known here`);
    if (value === null) delete merged[name];
    else merged[name] = mergeValue(name, merged[name], value);
  }
  return merged;
}

function mergeValue(name: string, target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (isJsonObject(patch)) return strategicMerge(isJsonObject(target) ? target : {}, patch);
  const key = mergeKeys[name];
  if (!Array.isArray(patch) || !Array.isArray(target) || key === undefined) return patch;
  const merged = [...target];
  for (const element of patch) {
    const index = merged.findIndex((candidate) => isSame(candidate, element, key));
    if (index === -1) merged.push(element);
    else merged[index] = mergeValue('', merged[index], element);
  }
  return merged;
}

function isSame(one: JsonValue, other: JsonValue, key: string): boolean {
  return isJsonObject(one) && isJsonObject(other) && one[key] !== undefined && one[key] === other[key];
}
