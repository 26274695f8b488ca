import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApiKey } from '../../src/credentials/api-key.ts';
import { definitionOf, startApp } from '../app.ts';
import { unusedPort } from '../servers/listen.ts';
import { json, startModelServer } from '../servers/model-server.ts';
import { emptyFolder, run } from './clients.ts';

describe("a skill's script", () => {
  /**
   * The script as a client unpacks it, run by sh.
   *
   * @param key for a gateway that asks for one
   */
  async function startScript({ entry, key }: { entry?: string; key?: string } = {}) {
    const model = await startModelServer();
    onTestFinished(() => model.close());
    model.always(json({ prediction: 'positive' }));
    const { url } = await startApp(
      [definitionOf(model.url)],
      entry === undefined ? {} : { AUTH_API_KEYS: entry },
    );
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const archive = await fetch(`${url}/skills/local_model_predict.skill`, { headers });
    const files = unzipSync(await archive.bytes());
    const folder = await emptyFolder();
    const path = join(folder, 'call.sh');
    await writeFile(path, files['local-model-predict/scripts/call.sh'] ?? '');
    await chmod(path, 0o755);
    const call = (input: string | undefined, env: Record<string, string> = {}) =>
      run(path, input === undefined ? [] : [input], { cwd: folder, env });
    return { model, folder, call };
  }

  it('calls the skill, with whatever is in the input', async () => {
    const { model, folder, call } = await startScript();
    const text = 'quotes \' " $(id) \\ % and\nlines';
    expect(await call(JSON.stringify({ text }))).toEqual({
      code: 0,
      stdout: '{"prediction":"positive"}\n',
      stderr: '',
    });
    expect(JSON.parse(model.requests[0]?.body ?? '')).toEqual({ text });
    await writeFile(join(folder, 'in put.json'), '{"text":"from a file"}');
    expect(await call('@in put.json')).toMatchObject({ code: 0, stdout: '{"prediction":"positive"}\n' });
  });

  it('gives the error on standard error, and fails', async () => {
    const { call } = await startScript();
    const { code, stdout, stderr } = await call('{}');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ code: 'invalid_input', errors: [{ keyword: 'required' }] });
    expect(await call(undefined)).toMatchObject({ code: 1, stderr: 'usage: call.sh JSON | @FILE | -\n' });
    expect(await call('@absent')).toMatchObject({ code: 1, stderr: 'The file absent cannot be read.\n' });
  });

  it('presents the key of SKILLGATE_API_KEY', async () => {
    const ann = createApiKey('ann');
    const { call } = await startScript(ann);
    expect(await call('{"text":"a"}')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('unauthenticated'),
    });
    expect(await call('{"text":"a"}', { SKILLGATE_API_KEY: ann.key })).toMatchObject({ code: 0 });
  });

  it('says that the gateway of SKILLGATE_URL cannot be reached', async () => {
    const { call } = await startScript();
    const elsewhere = `http://127.0.0.1:${await unusedPort()}`;
    expect(await call('{}', { SKILLGATE_URL: elsewhere })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`The gateway at ${elsewhere} did not answer`),
    });
  });
});
