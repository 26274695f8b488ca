import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../bench/gateways.ts';
import type { JsonObject } from '../../../src/contracts/json.ts';
import type { Door, ModelServer } from '../model-server.ts';
import { runToEnd, startBackground } from '../processes.ts';
import { cacheFolder, installPython } from '../python.ts';
import { repositoryDoor } from '../repository.ts';
import { writeSkill } from '../skill.ts';
import { waitFor } from '../wait.ts';

const version = '1.7.1';

/** MLServer with a classifier of scikit-learn that is trained on the spot. */
export const mlserver: ModelServer = {
  name: 'MLServer',
  source: `mlserver ${version}, mlserver-sklearn ${version}`,

  async start() {
    const python = await installPython('mlserver', [
      `mlserver==${version}`,
      `mlserver-sklearn==${version}`,
      // Its workers do not start with uvloop 0.22.
      'uvloop==0.21.0',
    ]);
    const models = join(cacheFolder, 'run/mlserver/models');
    await rm(models, { recursive: true, force: true });
    await cp(join(import.meta.dirname, 'models'), models, { recursive: true });
    await runToEnd(python.python, [
      join(import.meta.dirname, 'make_model.py'),
      join(models, 'iris/model.joblib'),
    ]);
    const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
    await writeFile(
      join(models, 'settings.json'),
      JSON.stringify({
        host: '127.0.0.1',
        http_port: http,
        grpc_port: grpc,
        metrics_port: metrics,
        parallel_workers: 1,
      }),
    );
    const background = await startBackground({
      program: join(python.folder, 'bin/mlserver'),
      args: ['start', '.'],
      env: { PYTHONPATH: join(models, 'slow') },
      cwd: models,
      log: join(cacheFolder, 'run/mlserver/server.log'),
    });
    const rest = `http://127.0.0.1:${http}`;
    await waitFor(`${rest}/v2/health/ready`, background);
    return {
      version: `MLServer ${version}`,
      doors: [
        mlserverDoor('REST', 'rest', rest, rest),
        mlserverDoor('gRPC', 'grpc', `grpc://127.0.0.1:${grpc}`, rest),
      ],
    };
  },
};

function mlserverDoor(name: string, prefix: string, url: string, rest: string): Door {
  const labels = ['setosa', 'versicolor', 'virginica'];
  const endpoint: JsonObject = {
    protocol: 'open-inference',
    url,
    model: 'iris',
    options: { outputs: { species: { tensor: 'predict', labels } } },
  };
  const inputs: JsonObject = { measures: { type: 'array', items: { type: 'number' } } };
  const outputs: JsonObject = { species: { type: 'array' } };
  const iris = writeSkill(`${prefix}_iris`, endpoint, inputs, outputs);
  const nobody = writeSkill(`${prefix}_nobody`, { ...endpoint, model: 'nobody' }, inputs, outputs);
  // Says something else of the input than the model does, so that the server has to refuse.
  const wrongly = writeSkill(
    `${prefix}_wrongly`,
    {
      ...endpoint,
      options: { inputs: { measures: { tensor: 'measures', datatype: 'FP64', shape: [-1, 3] } } },
    },
    inputs,
    { predict: {} },
  );
  const { skills, ...repository } = repositoryDoor(prefix, url, rest);
  const ask = (...measures: number[]) => ({ skill: iris.name, input: { measures } });
  return {
    name,
    skills: [iris, nobody, wrongly, ...skills],
    ...repository,
    right: { ...ask(5.1, 3.5, 1.4, 0.2), output: { species: ['setosa'] } },
    wrong: [
      { what: 'shape', ...ask(5.1, 3.5), code: 'invalid_input' },
      { what: 'three measures', ...ask(5.1, 3.5, 1.4), skill: wrongly.name, code: 'upstream_error' },
      { what: 'unknown model', ...ask(1, 2, 3, 4), skill: nobody.name, code: 'model_not_ready' },
    ],
    many: (index) => ({
      ...(index % 2 === 0 ? ask(5.1, 3.5, 1.4, 0.2) : ask(6.5, 3, 5.8, 2.2)),
      output: { species: [index % 2 === 0 ? 'setosa' : 'virginica'] },
    }),
  };
}
