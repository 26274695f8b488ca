import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage, containerEnvironment, type Image, spawnInImage } from './toolchain/image.ts';

const key = 'the-key-of-the-image-test';

describe('the image', () => {
  let scratch: string;
  let image: Image;
  let application: string;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'image-'));
    image = await buildImage(join(import.meta.dirname, '..'), scratch);
    application = join(image.root, image.workdir);
  });
  afterAll(() => rm(scratch, { recursive: true }));

  it('adds less than 100 MB to its base image', async () => {
    expect(await sizeOf(image.root)).toBeLessThan(100e6);
  });

  it('carries no development packages, no sources, and native code for one platform', async () => {
    for (const absent of ['node_modules/typescript', 'node_modules/node', 'src', 'test', '.npmrc']) {
      await expect(access(join(application, absent)), absent).rejects.toThrow('ENOENT');
    }
    const [api = ''] = await readdir(join(application, 'node_modules/onnxruntime-node/bin'));
    const platforms = join(application, 'node_modules/onnxruntime-node/bin', api);
    expect(await readdir(join(platforms, process.platform))).toEqual([process.arch]);
  });

  it('becomes healthy without root, answers on the embedded model, and ends in peace on the stop signal', async () => {
    const port = await freePort();
    const environment = containerEnvironment(image, {
      PORT: String(port),
      AUTH_API_KEYS: `tester:${createHash('sha256').update(key).digest('hex')}`,
    });
    expect(image.user).toBeGreaterThan(0);

    const server = spawnInImage(image, image.command, environment);
    const ended = once(server, 'exit');
    let log = '';
    server.stdout.on('data', (chunk) => {
      log += chunk;
    });
    server.stderr.on('data', (chunk) => {
      log += chunk;
    });
    try {
      let health: unknown = 1;
      for (let check = 0; check < 50 && health !== 0 && server.exitCode === null; check++) {
        [health] = await once(spawnInImage(image, image.healthcheck, environment), 'exit');
      }
      expect(health, log).toBe(0);

      let response = await askForLanguage(port);
      for (let attempt = 0; attempt < 100 && response.status === 503; attempt++) {
        // The model is still being loaded.
        await new Promise((resolve) => setTimeout(resolve, 50));
        response = await askForLanguage(port);
      }
      expect(await response.json(), log).toMatchObject({ prediction: 'fr' });
    } finally {
      server.kill(image.stopSignal);
    }
    expect(await ended, log).toEqual([0, null]);
  });
});

function askForLanguage(port: number): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/skills/detect_language`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ text: 'Bonjour tout le monde' }),
  });
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await lstat(join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
