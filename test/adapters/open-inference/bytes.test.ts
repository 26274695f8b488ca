import { describe, expect, it } from 'vitest';
import { calls, echo, setUp, x } from './setup.ts';

describe('bytes', () => {
  it('are base64 in the skill, and any bytes on the wire', async () => {
    const model = echo({ name: 'x', datatype: 'BYTES', shape: [-1] });
    const { infer } = await setUp(model, {
      inputs: { x: { encoding: 'base64' } },
      outputs: { y: { tensor: 'y', encoding: 'base64' } },
    });
    const bytes = Buffer.from([0, 255, 128, 10]);
    await expect(infer({ x: bytes.toString('base64') })).resolves.toEqual({ y: bytes.toString('base64') });
    expect(model.got[0]?.data).toEqual([bytes]);
    await expect(infer({ x: 'not base64!' })).rejects.toMatchObject({
      code: 'invalid_input',
      faults: [{ pointer: '/x', message: 'must be base64' }],
    });
  });

  it('are base64 in the JSON too where the server takes no bytes, as MLServer marks them', async () => {
    const model = echo({ name: 'x', datatype: 'BYTES', shape: [-1] });
    const { infer, server } = await setUp(
      model,
      { inputs: { x: { encoding: 'base64' } } },
      { kind: 'mlserver' },
    );
    await infer({ x: 'AP8=' });
    expect(JSON.parse(calls(server)[0]?.body ?? '').inputs).toEqual([
      { name: 'x', shape: [1], datatype: 'BYTES', parameters: { content_type: 'base64' }, data: ['AP8='] },
    ]);
  });

  it('that are no text where text is due are invalid_output', async () => {
    const { infer, server } = await setUp(echo({ name: 'x', datatype: 'BYTES', shape: [-1] }));
    const head = JSON.stringify({
      outputs: [{ name: 'y', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 5 } }],
    });
    server.nextInference((response) => {
      response.writeHead(200, { 'inference-header-content-length': String(head.length) });
      response.end(Buffer.concat([Buffer.from(head), Buffer.from([1, 0, 0, 0, 0xff])]));
    });
    await expect(infer({ x: 'a' })).rejects.toMatchObject({ code: 'invalid_output' });
  });

  it('are how large tensors travel, where the server says that it can', async () => {
    const numbers = Array.from({ length: 600 }, (_, index) => index / 8);
    const model = echo({ name: 'x', datatype: 'FP32', shape: [-1, 600] });
    const { infer, server } = await setUp(model);
    await expect(infer({ x: numbers })).resolves.toEqual({ y: numbers });
    const [call] = calls(server);
    expect(call?.headers['content-type']).toBe('application/octet-stream');
    expect(call?.bytes.length).toBe(Number(call?.headers['inference-header-content-length']) + 2400);
    expect(call?.body).toContain('"outputs":[{"name":"y","parameters":{"binary_data":true}}]');

    const other = await setUp(model, {}, { kind: 'mlserver' });
    await expect(other.infer({ x: numbers })).resolves.toEqual({ y: numbers });
    expect(calls(other.server)[0]?.headers['content-type']).toBe('application/json');
  });

  it.each([
    ['FP16', [0.5, -65504], [0x3800, 0xfbff]],
    ['BF16', [1, -2.5], [0x3f80, 0xc020]],
  ])('are how %s travels, whatever its size', async (datatype, numbers, bits) => {
    const model = echo({ name: 'x', datatype, shape: [-1, 2] });
    const { infer } = await setUp(model);
    await expect(infer({ x: numbers })).resolves.toEqual({ y: numbers });
    expect(model.got[0]?.data).toEqual(bits);
  });

  it.each([
    [{ binary_data_size: 12 }, 11],
    [{ binary_data_size: 11 }, 11],
    [{ binary_data_size: -4 }, 12],
  ])('that are not as many as %j says, in %i, are upstream_error', async (parameters, length) => {
    const { infer, server } = await setUp(echo(x));
    const head = JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3], parameters }] });
    server.nextInference((response) => {
      response.writeHead(200, { 'inference-header-content-length': String(head.length) });
      response.end(Buffer.concat([Buffer.from(head), Buffer.alloc(length)]));
    });
    await expect(infer({ x: [1, 2, 3] })).rejects.toMatchObject({ code: 'upstream_error' });
  });
});
