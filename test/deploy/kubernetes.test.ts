import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { variables } from '../../src/config/variables.ts';
import type { JsonObject, JsonValue } from '../../src/contracts/json.ts';
import { render } from './kustomize.ts';
import { manifestFaults } from './manifest-faults.ts';
import {
  at,
  containerOf,
  deploymentsOf,
  environmentOf,
  find,
  listOf,
  objectOf,
  podOf,
  selectedBy,
  volumeAt,
} from './manifests.ts';
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
    const resources = await rendering;
    for (const name of deploymentsOf(resources)) {
      expect(settingsFaults(environmentOf(resources, name))).toEqual([]);
    }
  });

  it('mounts every folder that the gateway writes to, as its root file system is read-only', async () => {
    const resources = await rendering;
    for (const name of deploymentsOf(resources)) {
      const container = containerOf(resources, name);
      expect(at(container, 'securityContext', 'readOnlyRootFilesystem')).toBe(true);
      const { DATA_DIR, AMQP_URL_FILE } = environmentOf(resources, name);
      expect(DATA_DIR === undefined).toBe(AMQP_URL_FILE !== undefined);
      for (const folder of DATA_DIR === undefined ? ['/tmp'] : ['/tmp', DATA_DIR]) {
        expect(volumeAt(resources, name, folder)).toHaveProperty('emptyDir');
      }
    }
  });

  it('waits for the end longer than the gateway takes', async () => {
    const resources = await rendering;
    for (const name of deploymentsOf(resources)) {
      const pod = podOf(resources, name);
      const before = Number(
        at(containerOf(resources, name), 'lifecycle', 'preStop', 'sleep', 'seconds') ?? 0,
      );
      const graceMs = Number(environmentOf(resources, name).SHUTDOWN_GRACE_MS);
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(before + graceMs / 1000 + 1);
    }
  });

  it('points probes, services, policies, budgets and autoscalers at what is there', async () => {
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
    const all = deploymentsOf(resources);
    for (const { kind, metadata, spec } of resources) {
      const name = at(metadata, 'name');
      if (kind === 'Deployment')
        expect(selectedBy(resources, at(spec, 'selector', 'matchLabels'))).toEqual([name]);
      if (kind === 'Service') expect(selectedBy(resources, at(spec, 'selector'))).toEqual([name]);
      if (kind === 'PodDisruptionBudget')
        expect(selectedBy(resources, at(spec, 'selector', 'matchLabels'))).toEqual([name]);
      if (kind === 'NetworkPolicy')
        expect(selectedBy(resources, at(spec, 'podSelector', 'matchLabels'))).toEqual(all);
      if (kind === 'HorizontalPodAutoscaler') {
        expect(at(spec, 'scaleTargetRef')).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name });
        expect(all).toContain(name);
      }
    }
  });
});

describe('the overlay development', () => {
  it('gives the data folder more room than jobs take', async () => {
    const resources = await render(join(base, '../overlays/development'));
    const { DATA_DIR, JOB_STORE_MAX_BYTES } = environmentOf(resources);
    const limit = at(volumeAt(resources, 'skillgate', DATA_DIR), 'emptyDir', 'sizeLimit');
    const jobs = variables.jobStoreMaxBytes.kind.parse(JOB_STORE_MAX_BYTES ?? '');
    // Beside the file stands its write-ahead log.
    expect(variables.jobStoreMaxBytes.kind.parse(`${limit}B`)).toBeGreaterThan((jobs ?? Infinity) * 1.5);
  });
});

describe('the overlay production', () => {
  it('has workers on the same RabbitMQ and Redis, and gateways that leave the jobs to them', async () => {
    const resources = await render(join(base, '../overlays/production'));
    expect(deploymentsOf(resources)).toEqual(['skillgate', 'skillgate-worker']);
    expect(environmentOf(resources)).toHaveProperty('JOB_CONCURRENCY', '0');
    const image: JsonValue = JSON.parse(
      /^CMD (\[.*\])$/m.exec(await readFile(join(root, 'Dockerfile'), 'utf8'))?.[1] ?? 'null',
    );
    const worker = Array.isArray(image) ? [...image.slice(0, -1), 'worker'] : [];
    expect(containerOf(resources, 'skillgate-worker').args).toEqual(worker);
    for (const name of deploymentsOf(resources)) {
      for (const [variable, secret] of [
        ['AMQP_URL_FILE', 'skillgate-rabbitmq'],
        ['REDIS_URL_FILE', 'skillgate-redis'],
      ] as const) {
        const file = environmentOf(resources, name)[variable] ?? '';
        expect(volumeAt(resources, name, dirname(file))).toMatchObject({ secret: { secretName: secret } });
        expect(basename(file)).toBe('url');
      }
    }
  });

  it('scales on metrics that the gateway has', async () => {
    const resources = await render(join(base, '../overlays/production'));
    const source = await readFile(join(root, 'src/plugins/metrics.ts'), 'utf8');
    const names = resources
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
      .flatMap(({ spec }) => listOf(at(spec, 'metrics')))
      .map((metric) => at(metric, 'pods', 'metric', 'name') ?? at(metric, 'external', 'metric', 'name'))
      .filter((name) => name !== undefined);
    expect(names).toEqual(['skillgate_queue_depth', 'skillgate_jobs']);
    for (const name of names) expect(source).toContain(`'${name}'`);
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

async function readSkill(path: string): Promise<JsonObject> {
  const skill: JsonValue = JSON.parse(await readFile(path, 'utf8'));
  return objectOf(skill);
}
