import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { variables } from '../../src/config/variables.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/contracts/json.ts';
import { identityOf, render } from './kustomize.ts';
import { manifestFaults } from './manifest-faults.ts';
import { settingsFaults } from './settings-faults.ts';
import { strategicMerge } from './strategic-merge.ts';

const root = join(import.meta.dirname, '../..');
const base = join(root, 'deploy/kubernetes/base');
const overlays = ['development', 'production'];

describe.each(overlays)('the overlay %s', (overlay) => {
  const rendering = render(join(base, '../overlays', overlay));

  it('is what the Kubernetes API takes, field by field', async () => {
    const resources = await rendering;
    expect(resources.length).toBeGreaterThan(5);
    expect(resources.flatMap((resource) => manifestFaults(resource))).toEqual([]);
  });

  it('puts everything into the namespace that it brings', async () => {
    const resources = await rendering;
    const name = at(find(resources, 'Namespace'), 'metadata', 'name');
    const others = resources.filter(({ kind }) => kind !== 'Namespace');
    expect(others.map((resource) => at(resource, 'metadata', 'namespace'))).toEqual(others.map(() => name));
  });

  it('sets variables that the gateway has, to what they take', async () => {
    expect(settingsFaults(environmentOf(await rendering))).toEqual([]);
  });

  it('mounts every folder that the gateway writes to, as its root file system is read-only', async () => {
    const resources = await rendering;
    const container = containerOf(resources);
    expect(at(container, 'securityContext', 'readOnlyRootFilesystem')).toBe(true);
    const volumes = listOf(at(find(resources, 'Deployment'), 'spec', 'template', 'spec', 'volumes'));
    for (const folder of [environmentOf(resources).DATA_DIR, '/tmp']) {
      const mount = listOf(container.volumeMounts).find(({ mountPath }) => mountPath === folder);
      expect(volumes.find(({ name }) => name === mount?.name)).toHaveProperty('emptyDir');
    }
  });

  it('gives the data folder more room than jobs take', async () => {
    const resources = await rendering;
    const volumes = listOf(at(find(resources, 'Deployment'), 'spec', 'template', 'spec', 'volumes'));
    const limit = at(volumes.find(({ name }) => name === 'data') ?? {}, 'emptyDir', 'sizeLimit');
    const jobs = variables.jobStoreMaxBytes.kind.parse(environmentOf(resources).JOB_STORE_MAX_BYTES ?? '');
    // Beside the file stands its write-ahead log.
    expect(variables.jobStoreMaxBytes.kind.parse(`${limit}B`)).toBeGreaterThan((jobs ?? Infinity) * 1.5);
  });

  it('waits for the end longer than the gateway takes', async () => {
    const resources = await rendering;
    const pod = at(find(resources, 'Deployment'), 'spec', 'template', 'spec');
    const before = at(containerOf(resources), 'lifecycle', 'preStop', 'sleep', 'seconds');
    const graceMs = Number(environmentOf(resources).SHUTDOWN_GRACE_MS);
    expect(at(pod, 'terminationGracePeriodSeconds')).toBeGreaterThan(Number(before) + graceMs / 1000 + 1);
  });

  it('points probes, service, budget and autoscaler at what is there', async () => {
    const resources = await rendering;
    const container = containerOf(resources);
    const [port] = listOf(container.ports);
    expect(port?.name).toBe('http');
    for (const [probe, path] of [
      ['startupProbe', '/livez'],
      ['readinessProbe', '/readyz'],
      ['livenessProbe', '/livez'],
    ] as const) {
      expect(at(container, probe, 'httpGet')).toEqual({ path, port: 'http' });
    }
    const labels = at(find(resources, 'Deployment'), 'spec', 'template', 'metadata', 'labels');
    for (const { kind, spec } of resources) {
      if (kind === 'Service') expect(at(spec, 'selector')).toEqual(labels);
      if (kind === 'PodDisruptionBudget') expect(at(spec, 'selector', 'matchLabels')).toEqual(labels);
      if (kind === 'NetworkPolicy') expect(at(spec, 'podSelector', 'matchLabels')).toEqual(labels);
      if (kind === 'HorizontalPodAutoscaler') {
        const { apiVersion, kind: target, name } = objectOf(at(spec, 'scaleTargetRef'));
        const scaled = resources.find(
          (resource) => resource.apiVersion === apiVersion && identityOf(resource) === `${target}/${name}`,
        );
        expect(scaled).toBeDefined();
      }
    }
  });
});

describe('the manifests', () => {
  it('ask for credentials in production, and in development let in nobody from outside the cluster', async () => {
    const [development, production] = await Promise.all(
      overlays.map((overlay) => render(join(base, '../overlays', overlay))),
    );
    expect(environmentOf(production ?? [])).toHaveProperty('AUTH_API_KEYS_FILE');
    expect(environmentOf(production ?? [])).not.toHaveProperty('ALLOW_ANONYMOUS');
    expect(environmentOf(development ?? [])).toHaveProperty('ALLOW_ANONYMOUS', 'true');
    const ingress = at(find(development ?? [], 'NetworkPolicy'), 'spec', 'ingress');
    expect(listOf(ingress).map(({ from }) => from)).toEqual([[{ namespaceSelector: {} }]]);
    expect(at(find(development ?? [], 'Service'), 'spec', 'type')).toBeUndefined();
  });

  it('scale on a metric that the gateway has', async () => {
    const resources = await render(join(base, '../overlays/production'));
    const metrics = listOf(at(find(resources, 'HorizontalPodAutoscaler'), 'spec', 'metrics'));
    const name = metrics.map((metric) => at(metric, 'pods', 'metric', 'name')).find(Boolean);
    const source = await readFile(join(root, 'src/plugins/metrics.ts'), 'utf8');
    expect(source).toContain(`'${name}'`);
  });

  it('carry the skill of the repository, with the path that its model has in the image', async () => {
    const original = await readSkill(join(root, 'schemas/skills/detect_language.json'));
    const carried = await readSkill(join(base, 'skills/detect_language.json'));
    const url = String(at(original, 'endpoint', 'url')).replace('file:../../', 'file:///app/');
    expect(carried).toEqual({ ...original, endpoint: { ...objectOf(original.endpoint), url } });
  });
});

describe('the check of manifests', () => {
  it.each([
    [
      'a misspelt field',
      { spec: { template: { spec: { containers: [{ name: 'c', imagge: 'x' }] } } } },
      'imagge',
    ],
    ['a wrong type', { spec: { replicas: 'three' } }, 'replicas'],
    ['an unknown field at the top', { sepc: {} }, 'sepc'],
    ['a field in the wrong place', { spec: { template: { livenessProbe: {} } } }, 'livenessProbe'],
    ['a missing field', { spec: { selector: null } }, 'selector'],
    ['an unknown type', { kind: 'Deploymant' }, 'Deploymant'],
  ])('catches %s', async (_name, planted, place) => {
    const [deployment] = (await render(base)).filter(({ kind }) => kind === 'Deployment');
    const faults = manifestFaults(strategicMerge(deployment ?? {}, planted));
    expect(faults.join()).toContain(place);
  });

  it('catches a variable that the gateway does not have, and a value that it does not take', () => {
    expect(settingsFaults({ SHUTDOWN_GRACE: '1' })).toEqual(['SHUTDOWN_GRACE is not a variable']);
    expect(settingsFaults({ LOG_LEVEL: 'loud' })).toHaveLength(1);
    expect(settingsFaults({ LOG_LEVEL_FILE: '/level' })).toHaveLength(1);
  });
});

function find(resources: readonly JsonObject[], kind: string): JsonObject {
  const found = resources.find((resource) => resource.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
}

function containerOf(resources: readonly JsonObject[]): JsonObject {
  const containers = at(find(resources, 'Deployment'), 'spec', 'template', 'spec', 'containers');
  return objectOf(listOf(containers)[0]);
}

/** The variables of the container; one that comes from a Secret has no value here. */
function environmentOf(resources: readonly JsonObject[]): Record<string, string | undefined> {
  const rows = listOf(containerOf(resources).env);
  return Object.fromEntries(
    rows.map(({ name, value }) => [String(name), typeof value === 'string' ? value : undefined]),
  );
}

async function readSkill(path: string): Promise<JsonObject> {
  const skill: JsonValue = JSON.parse(await readFile(path, 'utf8'));
  return objectOf(skill);
}

/** The member at the end of a path, if there is one. */
function at(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (member, name) => (isJsonObject(member) ? member[name] : undefined),
    value,
  );
}

function objectOf(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) throw new Error(`takes an object, given ${JSON.stringify(value)}`);
  return value;
}

function listOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
