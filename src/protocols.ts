import { httpProtocol } from './adapters/http.ts';
import { onnxProtocol } from './adapters/onnx.ts';
import { openInferenceProtocol } from './adapters/open-inference.ts';
import { openaiProtocol } from './adapters/openai.ts';
import { tensorflowServingProtocol } from './adapters/tensorflow-serving.ts';
import { torchserveProtocol } from './adapters/torchserve.ts';
import type { Protocol } from './contracts/adapter.ts';

/** Every protocol that a definition may name: a new one is a file in adapters/ and a line here. */
export const protocols: readonly Protocol[] = [
  httpProtocol,
  tensorflowServingProtocol,
  openInferenceProtocol,
  openaiProtocol,
  torchserveProtocol,
  onnxProtocol,
];

/** The protocol of a definition that was checked against these. */
export function protocolNamed(name: string): Protocol {
  const protocol = protocols.find((candidate) => candidate.name === name);
  if (protocol === undefined) throw new RangeError(`there is no protocol ${name}`);
  return protocol;
}
