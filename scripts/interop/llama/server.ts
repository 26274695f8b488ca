import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../bench/gateways.ts';
import type { JsonObject } from '../../../src/contracts/json.ts';
import type { Door, ModelServer } from '../model-server.ts';
import { type Background, runToEnd, startBackground } from '../processes.ts';
import { cacheFolder, installPython } from '../python.ts';
import { writeSkill } from '../skill.ts';
import { waitFor } from '../wait.ts';

const version = '2026.10.11549';

/** llama.cpp's own server, which the package links in, with a model of random weights. */
export const llama: ModelServer = {
  name: 'llama.cpp',
  source: `xllamacpp ${version}`,

  async start() {
    const python = await installPython('llama', [`xllamacpp==${version}`, 'gguf==0.19.0']);
    const folder = join(cacheFolder, 'run/llama');
    await mkdir(folder, { recursive: true });
    const model = join(folder, 'tiny.gguf');
    await runToEnd(python.python, [join(import.meta.dirname, 'make_model.py'), model]);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const start = () =>
      startBackground({
        program: python.python,
        args: [join(import.meta.dirname, 'serve.py'), model, String(port)],
        env: {},
        cwd: folder,
        log: join(folder, 'server.log'),
      });
    let background: Background = await start();
    await waitFor(`${url}/health`, background);
    return {
      version: 'llama.cpp',
      doors: [
        llamaDoor(url, async () => {
          await background.stop();
          background = await start();
        }),
      ],
    };
  },
};

function llamaDoor(url: string, restart: () => Promise<void>): Door {
  const endpoint = (options: JsonObject): JsonObject => ({
    protocol: 'openai',
    url,
    model: 'tiny',
    options: { max_tokens: 200, ...options },
  });
  const text: JsonObject = { text: { type: 'string' } };
  const label: JsonObject = { type: 'string', enum: ['positive', 'negative'] };
  const outputs: JsonObject = { label, stars: { type: 'integer', minimum: 1, maximum: 5 } };
  const judge = writeSkill('judge', endpoint({ parameters: { seed: 1 } }), text, outputs);
  const write = writeSkill(
    'write',
    // A model of random weights would stop anywhere.
    endpoint({ output: 'text', output_name: 'text', max_tokens: 3000, parameters: { ignore_eos: true } }),
    text,
    { text: { type: 'string' } },
  );
  const cut = writeSkill('cut', endpoint({ max_tokens: 3 }), text, outputs);
  const ungrammatical = writeSkill('ungrammatical', endpoint({ parameters: { temperature: 'hot' } }), text, {
    label,
  });
  // Its output schema has been kept by the gateway already, so that it is enough to see one that fits.
  const isJudged = (output: unknown): boolean => typeof output === 'object' && output !== null;
  const ask = (skill: string, words: string) => ({ skill, input: { text: words } });
  return {
    name: 'REST',
    skills: [judge, write, cut, ungrammatical],
    right: { ...ask('judge', 'Lovely.'), output: isJudged },
    wrong: [
      { what: 'cut off at max_tokens', ...ask('cut', 'Lovely.'), code: 'invalid_output' },
      { what: 'bad parameter', ...ask('ungrammatical', 'Lovely.'), code: 'upstream_error' },
      { what: 'longer than the context', ...ask('judge', 'long '.repeat(3000)), code: 'upstream_error' },
    ],
    loading: { ...ask('judge', 'Lovely.'), begin: restart },
    unloading: { cannot: 'it has one model, from its start to its end' },
    long: ask('write', 'Once upon a time'),
    short: ask('judge', 'Lovely.'),
    many: (index) => ({ ...ask('judge', `Number ${index}.`), output: isJudged }),
  };
}
