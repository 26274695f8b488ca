import { describe, expect, it } from 'vitest';
import { type ModelSignature, mapTensors, wantedOutputs } from '../../../src/adapters/shared/signature.ts';

/** The options of a definition that has none. */
const defaults = { inputs: {}, threads: 1 };

/** A model whose second output has as many elements as it likes. */
const tagger: ModelSignature = {
  inputs: [{ name: 'text', type: 'string', shape: ['N'] }],
  outputs: [
    { name: 'length', type: 'int64', shape: ['N'] },
    { name: 'positions', type: 'int64', shape: ['found'] },
    { name: 'weights', type: 'float32', shape: [2] },
  ],
};

describe('a batch of one', () => {
  it('is taken off those outputs that have it', () => {
    const { encode, decode } = mapTensors(tagger, defaults);
    const { tensors, batchAdded } = encode({ text: 'a b' });
    expect(tensors).toEqual({ text: { type: 'string', dims: [1], data: ['a b'] } });
    const answer = decode(
      {
        length: { type: 'int64', dims: [1], data: BigInt64Array.of(3n) },
        positions: { type: 'int64', dims: [2], data: BigInt64Array.of(0n, 2n) },
        weights: { type: 'float32', dims: [2], data: Float32Array.of(0.5, 0.25) },
      },
      batchAdded,
    );
    expect(answer).toEqual({ length: 3, positions: [0, 2], weights: [0.5, 0.25] });
  });

  it('is not added to a model that has no batch', () => {
    const model: ModelSignature = {
      inputs: [{ name: 'rounds', type: 'int64', shape: [] }],
      outputs: [{ name: 'trace', type: 'float32', shape: [1, 2] }],
    };
    const { encode, decode } = mapTensors(model, defaults);
    const { tensors, batchAdded } = encode({ rounds: 7 });
    expect(tensors.rounds?.dims).toEqual([]);
    const trace = { type: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) } as const;
    expect(decode({ trace }, batchAdded)).toEqual({ trace: [[1, 2]] });
  });
});

describe('outputs', () => {
  it('that the definition does not name are not computed', () => {
    const outputs = {
      first: 'a',
      best: { tensor: 'b', take: 'max' },
      index: { tensor: 'b', take: 'argmax' },
    } as const;
    expect(wantedOutputs({ ...defaults, outputs })).toEqual(['a', 'b']);
    expect(wantedOutputs(defaults)).toBeUndefined();
  });

  it('that the model leaves out are a failure of the model', () => {
    const { decode } = mapTensors(tagger, { ...defaults, outputs: { size: 'length' } });
    expect(() => decode({}, false)).toThrow('The model gave no output "length".');
  });

  it('have to be something that JSON can carry', () => {
    const model: ModelSignature = { inputs: [], outputs: [{ name: 'map', type: undefined, shape: [] }] };
    expect(() => mapTensors(model, defaults)).toThrow('no output that JSON can carry');
  });
});
