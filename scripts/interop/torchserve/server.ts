import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../bench/gateways.ts';
import type { JsonObject } from '../../../src/contracts/json.ts';
import type { Door, ModelServer } from '../model-server.ts';
import { runToEnd, startBackground } from '../processes.ts';
import { cacheFolder, installPython } from '../python.ts';
import { numbers, writeSkill } from '../skill.ts';
import { waitFor } from '../wait.ts';

const version = '0.12.0';

/** TorchServe with a handler of plain Python. Needs Java; PyTorch is stood in for, see modules/torch.py. */
export const torchserve: ModelServer = {
  name: 'TorchServe',
  source: `torchserve ${version}, without PyTorch`,

  async start() {
    await runToEnd('java', ['-version']);
    const python = await installPython('torchserve', [
      `torchserve==${version}`,
      `torch-model-archiver==${version}`,
      'numpy==1.26.4',
      'PyYAML==6.0.3',
      // It still asks for pkg_resources.
      'setuptools==80.9.0',
    ]);
    const folder = join(cacheFolder, 'run/torchserve');
    const store = join(folder, 'store');
    await mkdir(store, { recursive: true });
    const handler = join(import.meta.dirname, 'handler.py');
    await runToEnd(join(python.folder, 'bin/torch-model-archiver'), [
      ...['--model-name', 'double', '--version', '1.0', '--handler', handler],
      ...['--export-path', store, '--force'],
    ]);
    const [inference, management] = [await freePort(), await freePort()];
    const settings = {
      inference_address: `http://127.0.0.1:${inference}`,
      management_address: `http://127.0.0.1:${management}`,
      metrics_address: `http://127.0.0.1:${await freePort()}`,
      grpc_inference_port: await freePort(),
      grpc_management_port: await freePort(),
      default_workers_per_model: 1,
      number_of_netty_threads: 4,
    };
    const file = join(folder, 'config.properties');
    await writeFile(
      file,
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    const background = await startBackground({
      program: join(python.folder, 'bin/torchserve'),
      args: [
        ...['--foreground', '--disable-token-auth', '--no-config-snapshots'],
        ...['--model-store', store, '--models', 'double=double.mar', '--ts-config', file],
      ],
      env: {
        PATH: `${join(python.folder, 'bin')}:${process.env.PATH}`,
        PYTHONPATH: join(import.meta.dirname, 'modules'),
        PYTHONDONTWRITEBYTECODE: '1',
        // It takes a file there for the sign that it runs already.
        TMPDIR: folder,
      },
      cwd: folder,
      log: join(folder, 'server.log'),
    });
    await waitFor(`${settings.inference_address}/ping`, background);
    return {
      version: `TorchServe ${version}`,
      doors: [torchserveDoor(settings.inference_address, settings.management_address)],
    };
  },
};

function torchserveDoor(url: string, management: string): Door {
  const endpoint: JsonObject = {
    protocol: 'torchserve',
    url,
    model: 'double',
    options: { management_url: management },
  };
  const inputs: JsonObject = { numbers: { type: 'array' } };
  const outputs: JsonObject = { doubled: numbers };
  const double = writeSkill('double', endpoint, inputs, outputs);
  const nobody = writeSkill('nobody', { ...endpoint, model: 'nobody' }, inputs, outputs);
  const ask = (...input: (number | string)[]) => ({ skill: double.name, input: { numbers: input } });

  async function scale(workers: number, isAwaited: boolean): Promise<void> {
    const query = `min_worker=${workers}&max_worker=${workers}&synchronous=${isAwaited}`;
    const response = await fetch(`${management}/models/double?${query}`, { method: 'PUT' });
    if (!response.ok) throw new Error(`scaling was answered ${response.status}: ${await response.text()}`);
  }

  const slowly = (seconds: number) => ({ skill: double.name, input: { numbers: [1], seconds } });
  return {
    name: 'REST',
    skills: [double, nobody],
    right: { ...ask(1, 2.5, -3), output: { doubled: [2, 5, -6] } },
    wrong: [
      { what: 'a handler that fails', ...ask('one'), code: 'upstream_error' },
      { what: 'unknown model', ...ask(1), skill: nobody.name, code: 'model_not_ready' },
    ],
    loading: {
      ...ask(1),
      async begin() {
        await scale(0, true);
        await scale(1, false);
      },
    },
    unloading: { ...ask(1), unload: () => scale(0, true), load: () => scale(1, true) },
    long: slowly(4),
    short: slowly(0),
    many: (index) => ({ ...ask(index), output: { doubled: [index * 2] } }),
  };
}
