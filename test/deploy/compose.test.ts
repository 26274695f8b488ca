import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { variables } from '../../src/config/variables.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/contracts/json.ts';
import { settingsFaults } from './settings-faults.ts';

const deploy = join(import.meta.dirname, '../../deploy');
const text = await readFile(join(deploy, 'compose.yaml'), 'utf8');
const compose = readCompose(text);
const ours = Object.entries(servicesOf(compose)).filter(([, service]) => service.image === 'skillgate');

let composeFaults: (file: JsonObject) => unknown[];
beforeAll(async () => {
  const fixture = join(import.meta.dirname, '__fixtures__/compose-spec.json');
  const { $schema: _draft, ...schema } = objectOf(JSON.parse(await readFile(fixture, 'utf8')));
  const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
  composeFaults = (file) => (validate(file) ? [] : (validate.errors ?? []));
});

it('is what the Compose Specification takes', () => {
  expect(composeFaults(compose)).toEqual([]);
});

it.each([
  ['a misspelt field', text.replaceAll('restart: unless-stopped', 'restrat: unless-stopped'), 'restrat'],
  ['a wrong type', text.replace('restart: unless-stopped', 'restart: 5'), 'restart'],
])('a check that catches %s', (_name, planted, place) => {
  expect(JSON.stringify(composeFaults(readCompose(planted)))).toContain(place);
});

it('has two gateways and two workers', () => {
  expect(ours.map(([name]) => name)).toEqual(['gateway-1', 'gateway-2', 'worker']);
  expect(servicesOf(compose).worker).toMatchObject({ deploy: { replicas: 2 } });
});

it.each(ours)('sets variables of %s that the gateway has, to what they take', (_name, service) => {
  const environment = objectOf(service.environment);
  const values = Object.entries(environment).map(([name, value]) => [name, String(value)]);
  expect(settingsFaults(Object.fromEntries(values))).toEqual([]);
});

it.each(ours)('lets %s write to nothing but /tmp, and waits for its end', (_name, service) => {
  expect(service).toMatchObject({ read_only: true, tmpfs: ['/tmp'] });
  expect(service.volumes).toEqual([`../schemas/skills:/app/${variables.skillsDir.default}:ro`]);
  const graceMs = Number(objectOf(service.environment).SHUTDOWN_GRACE_MS);
  expect(Number.parseInt(String(service.stop_grace_period), 10)).toBeGreaterThan(graceMs / 1000 + 1);
});

it('gives every service the secrets that it names', () => {
  for (const [, service] of ours) {
    const file = objectOf(service.environment).AUTH_API_KEYS_FILE;
    const secrets = listOf(service.secrets);
    expect(secrets.map((name) => `/run/secrets/${name}`)).toEqual(file === undefined ? [] : [file]);
    for (const name of secrets) expect(compose.secrets).toHaveProperty(String(name));
  }
});

it.each(ours)('leads %s to the RabbitMQ and the Redis that there are, once they work', (_name, service) => {
  const { AMQP_URL, REDIS_URL } = objectOf(service.environment);
  const { rabbitmq, redis } = servicesOf(compose);
  const { RABBITMQ_DEFAULT_USER: user, RABBITMQ_DEFAULT_PASS: password } = objectOf(rabbitmq?.environment);
  expect(AMQP_URL).toBe(`amqp://${user}:${password}@rabbitmq:5672`);
  expect(REDIS_URL).toBe('redis://redis:6379');
  for (const name of ['rabbitmq', 'redis']) {
    expect(service.depends_on).toMatchObject({ [name]: { condition: 'service_healthy' } });
  }
  expect([rabbitmq, redis].every((server) => server?.ports === undefined)).toBe(true);
});

it('keeps what jobs are made of on disk, and drops none of it for want of room', () => {
  const { rabbitmq, redis } = servicesOf(compose);
  expect(rabbitmq).toMatchObject({ hostname: 'rabbitmq', volumes: ['rabbitmq:/var/lib/rabbitmq'] });
  expect(redis?.volumes).toEqual(['redis:/data']);
  const options = listOf(redis?.command).join(' ');
  expect(options).toContain('--appendonly yes');
  expect(options).toContain('--maxmemory-policy noeviction');
  for (const name of ['rabbitmq', 'redis']) expect(compose.volumes).toHaveProperty(name);
});

it('runs a command of the image', async () => {
  const dockerfile = await readFile(join(deploy, '../Dockerfile'), 'utf8');
  const command: JsonValue = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? 'null');
  const worker = Array.isArray(command) ? [...command.slice(0, -1), 'worker'] : [];
  expect(servicesOf(compose).worker?.command).toEqual(worker);
});

it('has the gateways that nginx asks', async () => {
  const nginx = await readFile(join(deploy, 'nginx.conf'), 'utf8');
  const asked = [...nginx.matchAll(/^\s*server ([\w-]+):(\d+)/gm)].map(([, name, port]) => [name, port]);
  const dockerfile = await readFile(join(deploy, '../Dockerfile'), 'utf8');
  const [, port] = /^EXPOSE (\d+)$/m.exec(dockerfile) ?? [];
  const gateways = ours.map(([name]) => name).filter((name) => name.startsWith('gateway'));
  const once = gateways.map((name) => [name, port]);
  expect(asked).toEqual([...once, ...once]);
});

it('lets nginx take bodies as large as a gateway takes', async () => {
  const nginx = await readFile(join(deploy, 'nginx.conf'), 'utf8');
  const [, mebibytes] = /client_max_body_size (\d+)m;/.exec(nginx) ?? [];
  expect(`${mebibytes}MiB`).toBe(variables.bodyLimitBytes.default);
  for (const [, service] of ours) expect(service.environment).not.toHaveProperty('BODY_LIMIT_BYTES');
});

function readCompose(written: string): JsonObject {
  return objectOf(parse(written, { merge: true }));
}

function servicesOf(file: JsonObject): Record<string, JsonObject> {
  return Object.fromEntries(
    Object.entries(objectOf(file.services)).map(([name, service]) => [name, objectOf(service)]),
  );
}

function objectOf(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) throw new Error(`takes an object, given ${JSON.stringify(value)}`);
  return value;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}
