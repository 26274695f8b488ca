/**
 * A model server of the Open Inference Protocol that gives the tensor `x` back as `y`: as JSON read and written again,
 * or as bytes. A thread of its own, which tells its port.
 */
import { createServer } from 'node:http';
import { parentPort } from 'node:worker_threads';

const description = {
  name: 'echo',
  versions: ['1'],
  platform: 'none',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, -1] }],
};

interface Tensor {
  readonly shape: readonly number[];
  readonly data?: readonly number[];
  readonly parameters?: { readonly binary_data_size: number };
}

const server = createServer(async (request, response) => {
  if (request.url === '/v2') return void response.end('{"extensions":["binary_tensor_data"]}');
  if (request.method === 'GET') return void response.end(JSON.stringify(description));
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const jsonLength = Number(request.headers['inference-header-content-length'] ?? body.length);
  const call = JSON.parse(body.toString('utf8', 0, jsonLength)) as { readonly inputs: readonly Tensor[] };
  const outputs = call.inputs.map((tensor) => ({ ...tensor, name: 'y', datatype: 'FP32' }));
  const head = Buffer.from(JSON.stringify({ model_name: 'echo', outputs }));
  if (jsonLength === body.length) return void response.end(head);
  response.setHeader('inference-header-content-length', head.length);
  response.end(Buffer.concat([head, body.subarray(jsonLength)]));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  parentPort?.postMessage(typeof address === 'object' ? address?.port : undefined);
});
