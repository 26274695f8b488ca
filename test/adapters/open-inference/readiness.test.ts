import { describe, expect, it } from 'vitest';
import { openInferenceProtocol } from '../../../src/adapters/open-inference.ts';
import type { Adapter } from '../../../src/contracts/adapter.ts';
import { createAttempt } from '../../attempt.ts';
import { text } from '../../servers/model-server.ts';
import type { OpenInferenceServer } from '../../servers/open-inference.ts';
import { faultsOf } from '../adapter-under-test.ts';
import { echo, setUp, x } from './setup.ts';

describe('the metadata of the model', () => {
  const describes = (server: OpenInferenceServer) =>
    server.requests.filter(({ method, path }) => method === 'GET' && path === '/v2/models/double').length;

  it('is asked for once, also by calls that come together, and by the probe before the first call', async () => {
    const { infer, adapter, server } = await setUp(echo(x));
    await adapter.probe(new AbortController().signal);
    await Promise.all([infer({ x: [1, 2, 3] }), infer({ x: [1, 2, 3] })]);
    expect(describes(server)).toBe(1);
  });

  it('is asked for again after the server refused an inference', async () => {
    const { infer, server } = await setUp(echo(x));
    server.nextInference(text('{"error":"unexpected shape"}', { status: 400 }));
    await expect(infer({ x: [1, 2, 3] })).rejects.toMatchObject({ code: 'upstream_error' });
    await infer({ x: [1, 2, 3] });
    expect(describes(server)).toBe(2);
  });

  it('does not fail the others when the caller who asked first leaves', async () => {
    const { adapter, server } = await setUp(echo(x));
    const leaving = new AbortController();
    const reason = new Error('left');
    const first = adapter.infer(createAttempt({ x: [1, 2, 3] }, leaving.signal));
    const second = adapter.infer(createAttempt({ x: [1, 2, 3] }));
    leaving.abort(reason);
    await expect(first).rejects.toBe(reason);
    await expect(second).resolves.toEqual({ y: [1, 2, 3] });
    expect(describes(server)).toBe(1);
  });
});

describe('the probe', () => {
  const probe = (adapter: Adapter) => adapter.probe(new AbortController().signal);

  it('tells what the repository index says, with its reason', async () => {
    const { adapter, server } = await setUp(echo(x));
    server.setState('UNAVAILABLE', 'out of memory');
    await expect(probe(adapter)).resolves.toEqual({
      state: 'not_ready',
      reason: 'The model double is unavailable: out of memory',
    });
    server.setState('LOADING');
    await expect(probe(adapter)).resolves.toMatchObject({ state: 'loading' });
    server.setState('READY');
    await expect(probe(adapter)).resolves.toMatchObject({ state: 'ready' });
  });

  it.each([
    [200, 'not_ready'],
    [503, 'loading'],
  ])('of a server without an index that is itself %i says %s', async (health, state) => {
    const { adapter, server } = await setUp(echo(x));
    const absent = text('{"error":"Model with requested name is not found"}', { status: 404 });
    server.next(absent, text('', { status: 404 }), text('', { status: health }));
    await expect(probe(adapter)).resolves.toEqual({
      state,
      reason: 'The model server answered 404: Model with requested name is not found',
    });
  });

  it.each([
    ['UNKNOWN', 'loading'],
    ['State.UNKNOWN', 'loading'],
    ['State.UNAVAILABLE', 'not_ready'],
    ['', 'not_ready'],
  ])('reads the state %j of an index as %s', async (written, state) => {
    const { adapter, server } = await setUp(echo(x));
    server.next(text('', { status: 400 }), text(JSON.stringify([{ name: 'double', state: written }])));
    await expect(probe(adapter)).resolves.toMatchObject({ state });
  });

  it('is not taken in by a server that says ready of a model that was unloaded', async () => {
    const { adapter, server } = await setUp(echo(x));
    server.setState('UNAVAILABLE');
    server.next(text('', { status: 200 }));
    await expect(probe(adapter)).resolves.toMatchObject({ state: 'not_ready' });
  });

  it('has the server load the model', async () => {
    const { adapter, server, infer } = await setUp(echo(x));
    server.setState('UNAVAILABLE');
    await adapter.load?.(new AbortController().signal);
    await expect(infer({ x: [1, 2, 3] })).resolves.toEqual({ y: [1, 2, 3] });
  });

  it('tells why a model cannot be loaded', async () => {
    const { adapter, server } = await setUp(echo(x));
    server.next(text('{"error":"load failed: no such file"}', { status: 400 }));
    await expect(adapter.load?.(new AbortController().signal)).rejects.toMatchObject({
      code: 'model_not_ready',
      message: 'The model server answered 400: load failed: no such file',
    });
  });
});

describe('a definition', () => {
  it.each<[object, string[]]>([
    [{ url: 'http://localhost:8000', model: 'a' }, []],
    [{ url: 'http://localhost:8000/v2', model: 'a', model_version: '1' }, []],
    [{ url: 'http://localhost:8000' }, ['/endpoint']],
    [{ url: 'ftp://localhost', model: 'a' }, ['/endpoint/url']],
    [{ url: 'http://localhost:8000/v2/models/a/infer', model: 'a' }, ['/endpoint/url']],
    [{ url: 'http://localhost:8000', model: 'a', model_version: '1/infer' }, ['/endpoint/model_version']],
    [
      {
        url: 'http://a',
        model: 'a',
        options: { outputs: { y: { tensor: 'y', take: 'max', labels: ['a'] } } },
      },
      ['/endpoint/options/outputs/y/labels'],
    ],
  ])('with %j', (endpoint, pointers) => {
    expect(faultsOf(openInferenceProtocol, endpoint).map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
