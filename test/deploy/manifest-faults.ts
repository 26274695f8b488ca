import { validate as deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment';
import { validate as autoscaler } from 'kubernetes-models/_schemas/IoK8sApiAutoscalingV2HorizontalPodAutoscaler';
import { validate as configMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap';
import { validate as namespace } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace';
import { validate as service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service';
import { validate as serviceAccount } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount';
import { validate as networkPolicy } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy';
import { validate as disruptionBudget } from 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget';
import type { JsonObject } from '../../src/contracts/json.ts';

/** The schemas of Kubernetes' own OpenAPI description, compiled. */
const validators: Readonly<Record<string, (data: unknown) => boolean>> = {
  'apps/v1 Deployment': deployment,
  'autoscaling/v2 HorizontalPodAutoscaler': autoscaler,
  'networking.k8s.io/v1 NetworkPolicy': networkPolicy,
  'policy/v1 PodDisruptionBudget': disruptionBudget,
  'v1 ConfigMap': configMap,
  'v1 Namespace': namespace,
  'v1 Service': service,
  'v1 ServiceAccount': serviceAccount,
};

/**
 * What the Kubernetes API would refuse in a manifest, strictly: fields that it does not know are faults too.
 *
 * The schemas themselves let unknown fields pass. But a validator reads every field that its schema names, and each key
 * of a map: what it has not read is not in the schema.
 *
 * @returns each fault with its JSON pointer
 */
export function manifestFaults(manifest: JsonObject): string[] {
  const type = `${manifest.apiVersion} ${manifest.kind}`;
  const validate = validators[type];
  if (validate === undefined) return [`${type} is not a known type`];
  const read = new Set<string>();
  const faults = validate(recordReads(manifest, '', read)) ? [] : errorsOf(validate);
  // A faulty part is not read to its end: then what is unread says nothing.
  if (faults.length > 0) return faults;
  return unreadIn(manifest, '', read).map((pointer) => `${pointer} is not a known field`);
}

/** The value as it is; `read` learns the pointers of the members that are asked for. */
function recordReads(value: object, pointer: string, read: Set<string>): object {
  return new Proxy(value, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof name === 'symbol') return member;
      read.add(`${pointer}/${name}`);
      return isObject(member) ? recordReads(member, `${pointer}/${name}`, read) : member;
    },
  });
}

/** The pointers of the members that were not read, without what lies in them. */
function unreadIn(value: object, pointer: string, read: ReadonlySet<string>): string[] {
  return Object.entries(value).flatMap(([name, member]) => {
    const place = `${pointer}/${name}`;
    if (!read.has(place)) return [place];
    return isObject(member) ? unreadIn(member, place, read) : [];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function errorsOf(validate: (data: unknown) => boolean): string[] {
  const errors: unknown = 'errors' in validate ? validate.errors : undefined;
  return Array.isArray(errors) ? errors.map((error) => JSON.stringify(error)) : ['does not fit its schema'];
}
