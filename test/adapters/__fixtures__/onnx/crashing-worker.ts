import { parentPort } from 'node:worker_threads';

// Loads like identity-string.onnx, and dies at the first run.
const value = { type: 'string', shape: ['N'] };
parentPort?.postMessage({
  type: 'loaded',
  model: { inputs: [{ name: 'value', ...value }], outputs: [{ name: 'same', ...value }] },
});
parentPort?.on('message', ({ type }) => {
  if (type === 'run') throw new Error('died');
  process.exit(0);
});
