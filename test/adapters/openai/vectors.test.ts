import { describe, expect, it } from 'vitest';
import { openaiProtocol } from '../../../src/adapters/openai.ts';
import type { JsonValue } from '../../../src/contracts/json.ts';
import { createAttempt } from '../../attempt.ts';
import { json } from '../../servers/model-server.ts';
import { createDefinition, type EndpointOverrides } from '../adapter-under-test.ts';
import { useOpenaiServer } from './setup.ts';

const openai = useOpenaiServer();
const { create, infer, sent } = openai;

describe('embeddings', () => {
  const embeddings = { api: 'embeddings', input_name: 'text' };

  it('of a list come in its order', async () => {
    openai.server.next(
      json({
        data: [
          { index: 1, embedding: [2, 3] },
          { index: 0, embedding: [0, 1] },
        ],
      }),
    );
    await expect(infer(create(embeddings), { text: ['a', 'b'] })).resolves.toEqual({
      embeddings: [
        [0, 1],
        [2, 3],
      ],
    });
    expect(openai.server.requests[0]?.path).toBe('/v1/embeddings');
    expect(sent()).toEqual({ model: 'tiny', input: ['a', 'b'] });
  });

  it('are read from base64 too', async () => {
    const bytes = Buffer.from(Float32Array.of(0.5, -2).buffer).toString('base64');
    openai.server.next(json({ data: [{ index: 0, embedding: bytes }] }));
    await expect(infer(create(embeddings))).resolves.toEqual({ embedding: [0.5, -2] });
  });

  it.each<[JsonValue, string]>([
    [{ data: [] }, 'upstream_error'],
    [{ data: [{ index: 5, embedding: [1] }] }, 'upstream_error'],
    [{ data: [{ index: 0, embedding: {} }] }, 'upstream_error'],
    [{ data: [{ index: 0, embedding: [0.5, null] }] }, 'invalid_output'],
  ])('that are wrong are told: %j', async (answer, code) => {
    openai.server.next(json(answer));
    await expect(infer(create(embeddings))).rejects.toMatchObject({ code });
  });
});

describe('a batch of embeddings', () => {
  const embeddings = { api: 'embeddings', input_name: 'text' };
  const batchOf = (...rows: JsonValue[]) => ({ ...createAttempt(null), input: rows });
  const vectors = (...numbers: number[]) =>
    json({ data: numbers.map((embedding, index) => ({ index, embedding: [embedding] })) });

  it('goes as one, each row with its own texts', async () => {
    openai.server.next(vectors(1, 2, 3, 4));
    await expect(
      create(embeddings).inferBatch?.(batchOf({ text: 'a' }, { text: ['b', 'c'] }, { text: 'd' })),
    ).resolves.toEqual([{ embedding: [1] }, { embeddings: [[2], [3]] }, { embedding: [4] }]);
    expect(sent()).toEqual({ model: 'tiny', input: ['a', 'b', 'c', 'd'] });
    expect(openai.server.requests).toHaveLength(1);
  });

  it('goes apart where a row is no text', async () => {
    openai.server.always(vectors(1));
    await expect(create(embeddings).inferBatch?.(batchOf({ text: 'a' }, { text: [7] }))).resolves.toEqual([
      { embedding: [1] },
      { embeddings: [[1]] },
    ]);
    expect(openai.server.requests).toHaveLength(2);
  });

  it.each<[EndpointOverrides, string[]]>([
    [{ options: embeddings }, []],
    [{ options: {} }, ['/endpoint/options/api']],
    [{ options: embeddings, request: 'text' }, ['/endpoint/request']],
    [{ options: embeddings, response: 'data' }, ['/endpoint/response']],
  ])('is possible with %j', (endpoint, pointers) => {
    const faults = openaiProtocol.checkBatching?.(createDefinition({ url: 'http://a', ...endpoint })) ?? [];
    expect(faults.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});

describe('a ranking', () => {
  const question = { query: 'French?', documents: ['Hello', 'Bonjour', 'Hola'], top_n: 2 };
  const ranked = {
    results: [
      { index: 1, score: 0.9, document: 'Bonjour' },
      { index: 2, score: 0.2, document: 'Hola' },
    ],
  };

  it('is asked for and read as Jina has it', async () => {
    const results = [
      { index: 2, relevance_score: 0.2 },
      { index: 1, relevance_score: 0.9 },
    ];
    openai.server.next(json({ model: 'tiny', results }));
    await expect(infer(create({ api: 'rerank' }), question)).resolves.toEqual(ranked);
    expect(openai.server.requests[0]?.path).toBe('/v1/rerank');
    expect(sent()).toEqual({ model: 'tiny', ...question });
  });

  it('is asked for and read as Text Embeddings Inference has it', async () => {
    openai.server.next(
      json([
        { index: 0, score: 0.1 },
        { index: 1, score: 0.9 },
        { index: 2, score: 0.2 },
      ]),
    );
    await expect(infer(create({ api: 'rerank', rerank_api: 'tei' }), question)).resolves.toEqual(ranked);
    expect(openai.server.requests[0]?.path).toBe('/rerank');
    expect(sent()).toEqual({ model: 'tiny', query: 'French?', texts: question.documents });
  });

  it.each<[JsonValue, string]>([
    [{ results: 3 }, 'upstream_error'],
    [{ results: [{ index: 9, relevance_score: 1 }] }, 'upstream_error'],
    [{ results: [{ index: 0, relevance_score: null }] }, 'invalid_output'],
  ])('that is wrong is told: %j', async (answer, code) => {
    openai.server.next(json(answer));
    await expect(infer(create({ api: 'rerank' }), question)).rejects.toMatchObject({ code });
  });
});
