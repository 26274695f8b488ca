import { copyFile, cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../bench/gateways.ts';
import type { JsonObject } from '../../../src/contracts/json.ts';
import type { Door, ModelServer } from '../model-server.ts';
import { startBackground } from '../processes.ts';
import { cacheFolder, installPython } from '../python.ts';
import { repositoryDoor } from '../repository.ts';
import { numbers, writeSkill } from '../skill.ts';
import { waitFor } from '../wait.ts';

const version = '0.7.0';

/** Triton Inference Server, from the package that brings its binary. Its models are Python, on the CPU. */
export const triton: ModelServer = {
  name: 'Triton',
  source: `nvidia-pytriton ${version}`,

  async start() {
    const python = await installPython('triton', [`nvidia-pytriton==${version}`, 'numpy==1.26.4']);
    const bundle = join(python.packages, 'pytriton/tritonserver');
    // The backend wants the stub that fits this Python beside itself.
    const stub = 'triton_python_backend_stub';
    await copyFile(
      join(bundle, 'python_backend_stubs', python.version, stub),
      join(bundle, 'backends/python', stub),
    );
    const models = join(cacheFolder, 'run/triton/models');
    await rm(models, { recursive: true, force: true });
    await cp(join(import.meta.dirname, 'models'), models, { recursive: true });

    const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
    const background = await startBackground({
      program: join(bundle, 'bin/tritonserver'),
      args: [
        `--model-repository=${models}`,
        `--backend-directory=${join(bundle, 'backends')}`,
        '--model-control-mode=explicit',
        '--load-model=*',
        ...['http', 'grpc', 'metrics'].map((what) => `--${what}-address=127.0.0.1`),
        `--http-port=${http}`,
        `--grpc-port=${grpc}`,
        `--metrics-port=${metrics}`,
      ],
      env: {
        PATH: `${join(python.folder, 'bin')}:${process.env.PATH}`,
        PYTHONPATH: python.packages,
        LD_LIBRARY_PATH: python.libraries,
      },
      cwd: models,
      log: join(cacheFolder, 'run/triton/server.log'),
    });
    const rest = `http://127.0.0.1:${http}`;
    await waitFor(`${rest}/v2/health/ready`, background);
    const about: { version: string } = JSON.parse(await (await fetch(`${rest}/v2`)).text());
    return {
      version: `Triton ${about.version}`,
      doors: [
        tritonDoor('REST', 'rest', rest, rest),
        tritonDoor('gRPC', 'grpc', `grpc://127.0.0.1:${grpc}`, rest),
      ],
    };
  },
};

function tritonDoor(name: string, prefix: string, url: string, rest: string): Door {
  const endpoint: JsonObject = { protocol: 'open-inference', url, model: 'double' };
  const inputs: JsonObject = { x: numbers, word: { type: 'string' }, big: {} };
  const outputs: JsonObject = { y: numbers, upper: { type: 'array' }, same: { type: 'array' } };
  const double = writeSkill(`${prefix}_double`, endpoint, inputs, outputs);
  const nobody = writeSkill(`${prefix}_nobody`, { ...endpoint, model: 'nobody' }, inputs, outputs);
  // Says something else of the input than the model does, so that the server has to refuse.
  const wrongly = writeSkill(
    `${prefix}_wrongly`,
    { ...endpoint, options: { inputs: { x: { tensor: 'x', datatype: 'FP64', shape: [-1, 3] } } } },
    inputs,
    outputs,
  );
  const { skills, ...repository } = repositoryDoor(prefix, url, rest);
  const ask = (x: number[], big: string | number) => ({ x, word: 'né', big });
  // Beyond 2^53, where a number of JavaScript loses digits.
  const big = '9007199254740993';
  return {
    name,
    skills: [double, nobody, wrongly, ...skills],
    ...repository,
    right: {
      skill: double.name,
      input: ask([1, 2.5, -3], big),
      output: { y: [2, 5, -6], upper: ['NÉ'], same: [big] },
    },
    wrong: [
      { what: 'shape', skill: double.name, input: ask([1, 2], 1), code: 'invalid_input' },
      { what: 'overflow', skill: double.name, input: ask([1, 2, 1e39], 1), code: 'invalid_input' },
      { what: 'datatype', skill: wrongly.name, input: ask([1, 2, 3], 1), code: 'upstream_error' },
      { what: 'unknown model', skill: nobody.name, input: ask([1, 2, 3], 1), code: 'model_not_ready' },
    ],
    many: (index) => ({
      skill: double.name,
      input: ask([index, 0, 0], index),
      output: { y: [index * 2, 0, 0], upper: ['NÉ'], same: [index] },
    }),
  };
}
