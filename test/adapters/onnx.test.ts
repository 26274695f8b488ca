import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { startModelThread } from '../../src/adapters/onnx/thread.ts';
import { onnxProtocol } from '../../src/adapters/onnx.ts';
import type { Adapter } from '../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../src/contracts/json.ts';
import { createAttempt } from '../attempt.ts';
import { faultsOf } from './adapter-under-test.ts';
import { type AdapterSetup, makeAdapter, modelFolder } from './onnx/setup.ts';

const never = new AbortController().signal;
const opened: Adapter[] = [];
const folders: string[] = [];

function open(setup: AdapterSetup): Adapter {
  const adapter = makeAdapter(setup);
  opened.push(adapter);
  return adapter;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'skillgate-onnx-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((adapter) => adapter.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Adapters that many tests may share: what these ask leaves nothing behind. */
const shared = new Map<string, Adapter>();

function ask(model: string, input: JsonValue, options: JsonObject = {}): Promise<JsonValue> {
  const key = JSON.stringify([model, options]);
  const adapter = shared.get(key) ?? makeAdapter({ url: `file:${model}.onnx`, options });
  shared.set(key, adapter);
  return adapter.infer(createAttempt(input));
}

afterAll(async () => {
  await Promise.all([...shared.values()].map((adapter) => adapter.close()));
});

/** Rounds that keep the slow model busy for some tenths of a second. */
const longRun = { rounds: 200_000 };

describe('from JSON to tensors and back', () => {
  it('sends each property to the input of its name, and answers with the outputs by theirs', async () => {
    expect(await ask('add', { left: [1, 2], right: [0.5, 0.25] })).toEqual({ sum: [1.5, 2.25] });
  });

  it('keeps a batch that the caller gives', async () => {
    const input = {
      left: [
        [1, 2],
        [3, 4],
      ],
      right: [
        [1, 1],
        [1, 1],
      ],
    };
    expect(await ask('add', input)).toEqual({
      sum: [
        [2, 3],
        [4, 5],
      ],
    });
  });

  it('keeps a batch of one that the caller gives', async () => {
    expect(await ask('identity-string', { value: ['one'] })).toEqual({ same: ['one'] });
  });

  it('keeps the batch where the caller gives it for one of several inputs', async () => {
    expect(await ask('add', { left: [[1, 2]], right: [1, 1] })).toEqual({ sum: [[2, 3]] });
  });

  it('adds a batch of one also where the model fixes its batch to one', async () => {
    expect(await ask('fixed-batch', { value: [1, 2, 3] })).toEqual({ same: [1, 2, 3] });
  });

  it('carries text of every script', async () => {
    const text = 'Grüße, 你好, مرحبا 👋';
    expect(await ask('identity-string', { value: text })).toEqual({ same: text });
  });

  it('carries 64-bit integers without losing digits', async () => {
    const value = [1, -2, '9223372036854775807', '-9223372036854775808', 9007199254740991];
    expect(await ask('identity-int64', { value })).toEqual({ same: value });
  });

  it('carries booleans', async () => {
    expect(await ask('identity-bool', { value: [true, false] })).toEqual({ same: [true, false] });
  });

  it('leaves out model outputs that are no tensors', async () => {
    expect(await ask('sequence', { value: [1, 2] })).toEqual({ same: [1, 2] });
  });

  it('hands on infinity, for the validation of the output to refuse', async () => {
    expect(await ask('reciprocal', { value: 0 })).toEqual({ inverse: Number.POSITIVE_INFINITY });
  });

  it('answers as language identification does: a label, and the best probability as confidence', async () => {
    const options = {
      outputs: { prediction: 'label', confidence: { tensor: 'probabilities', take: 'max' } },
    };
    expect(await ask('two-words', { text: 'Bonjour' }, options)).toEqual({
      prediction: 'fr',
      confidence: 0.75,
    });
  });

  it('names classes by the labels of the definition, from scores or from an integer output', async () => {
    const labels = ['cat', 'dog', 'bird'];
    const options = {
      inputs: { animal: 'features' },
      outputs: {
        best: { tensor: 'logits', take: 'argmax', labels },
        said: { tensor: 'class', labels },
        confidence: { tensor: 'logits', softmax: true, take: 'max' },
      },
    };
    const answer = await ask('logits', { animal: [0, 0, Math.log(8)] }, options);
    expect(answer).toEqual({ best: 'cat', said: 'cat', confidence: expect.closeTo(0.8, 6) });
  });

  it('lets the expressions of the definition have the last word on request and response', async () => {
    const adapter = open({
      url: 'file:add.onnx',
      mapping: {
        request: async (input) => ({ left: input, right: [1, 1] }),
        response: async (body, input) => [body, input],
      },
    });
    expect(await adapter.infer(createAttempt([1, 2]))).toEqual([{ sum: [2, 3] }, [1, 2]]);
  });
});

describe('input that does not fit the model', () => {
  it.each([
    ['a missing input', 'add', { left: [1, 2] }, '', 'must have the property "right"'],
    [
      'a property that the model does not know',
      'identity-string',
      { value: '', other: 1 },
      '/other',
      'is no input',
    ],
    [
      'an element of another type',
      'add',
      { left: [1, '2'], right: [1, 2] },
      '/left/1',
      'must be a float32 number',
    ],
    [
      'a ragged array',
      'add',
      {
        left: [[1, 2], [3]],
        right: [
          [1, 2],
          [3, 4],
        ],
      },
      '/left/1',
      'must be an array of 2',
    ],
    ['another width', 'add', { left: [1, 2, 3], right: [1, 2] }, '/left', 'has the shape [3]'],
    ['too many dimensions', 'identity-string', { value: [['a']] }, '/value', 'has the shape [1, 1]'],
    [
      'an integer that lost digits',
      'identity-int64',
      { value: 2 ** 53 },
      '/value',
      'beyond 2^53 a decimal string',
    ],
    ['text that the model would get cut', 'identity-string', { value: 'a\0b' }, '/value', 'without U+0000'],
    ['no object', 'identity-string', ['a'], '', 'must be an object'],
  ])('refuses %s and says where', async (_, model, input, pointer, message) => {
    const refusal = ask(model, input);
    await expect(refusal).rejects.toMatchObject({ code: 'invalid_input', mayHaveRun: false });
    await expect(refusal).rejects.toMatchObject({
      faults: [{ pointer, message: expect.stringContaining(message) }],
    });
  });

  it('reports what the model itself refuses as a failure that is not worth a retry', async () => {
    await expect(ask('pick', { index: 7 })).rejects.toMatchObject({
      code: 'upstream_error',
      retryable: false,
      message: expect.stringContaining('out of data bounds'),
    });
  });

  it('runs the next call after one that the model refused', async () => {
    const adapter = open({ url: 'file:pick.onnx' });
    await expect(adapter.infer(createAttempt({ index: 7 }))).rejects.toThrow();
    expect(await adapter.infer(createAttempt({ index: 2 }))).toEqual({ picked: 30 });
  });
});

describe('loading', () => {
  it('is ready after a probe, and takes an absolute URL too', async () => {
    const adapter = open({ url: pathToFileURL(join(modelFolder, 'add.onnx')).href, directory: '/elsewhere' });
    expect(await adapter.probe(never)).toEqual({ state: 'ready', reason: 'The model is loaded.' });
  });

  it.each([
    ['a missing file', 'file:gone.onnx', {}, 'The model file gone.onnx does not exist.'],
    [
      'a file that is no model',
      'file:make.py',
      {},
      'Load model from make.py failed:Protobuf parsing failed.',
    ],
    ['float16', 'file:identity-float16.onnx', {}, 'is of type float16, which JSON cannot carry'],
    ['an unknown output', 'file:add.onnx', { outputs: { x: 'total' } }, 'has no output "total"; it has sum.'],
    [
      'an unknown input',
      'file:add.onnx',
      { inputs: { x: 'third' } },
      'has no input "third"; it has left, right.',
    ],
    ['an output that is no tensor', 'file:sequence.onnx', { outputs: { x: 'list' } }, '"list" is no tensor'],
    [
      'scores that are text',
      'file:two-words.onnx',
      { outputs: { x: { tensor: 'label', take: 'max' } } },
      'no scores',
    ],
    ['one input for two', 'file:add.onnx', { inputs: { left: 'right' } }, 'a property of its own'],
  ])('is not ready with %s, and the reason shows no folder', async (_, url, options, reason) => {
    const adapter = open({ url, options });
    const status = await adapter.probe(never);
    expect(status).toEqual({ state: 'not_ready', reason: expect.stringContaining(reason) });
    expect(status.reason).not.toContain(modelFolder);
    await expect(adapter.infer(createAttempt({}))).rejects.toMatchObject({
      code: 'model_not_ready',
      message: expect.stringContaining(reason),
      mayHaveRun: false,
    });
  });

  it('shows no folder either of a link and of what it leads to', async () => {
    const directory = newFolder();
    symlinkSync(join(modelFolder, 'external.onnx'), join(directory, 'linked.onnx'));
    const { state, reason } = await open({ url: 'file:linked.onnx', directory }).probe(never);
    expect(state).toBe('not_ready');
    expect(reason).toContain('weights.bin');
    expect(reason).not.toContain(directory);
    expect(reason).not.toContain(modelFolder);
  });

  it('tries a failed load again at the next probe, not at calls', async () => {
    const directory = newFolder();
    const adapter = open({ url: 'file:late.onnx', directory });
    expect(await adapter.probe(never)).toMatchObject({ state: 'not_ready' });
    copyFileSync(join(modelFolder, 'add.onnx'), join(directory, 'late.onnx'));
    const input = { left: [1, 2], right: [3, 4] };
    await expect(adapter.infer(createAttempt(input))).rejects.toMatchObject({ code: 'model_not_ready' });
    expect(await adapter.probe(never)).toMatchObject({ state: 'ready' });
    expect(await adapter.infer(createAttempt(input))).toEqual({ sum: [4, 6] });
  });

  it('is loading until the file has been read, and a call waits for it', async () => {
    // Reading from a pipe takes as long as the writer likes.
    const directory = newFolder();
    const pipe = join(directory, 'pipe.onnx');
    execFileSync('/usr/bin/env', ['mkfifo', pipe]);
    const adapter = open({ url: 'file:pipe.onnx', directory, loadGraceMs: 20 });
    expect(await adapter.probe(never)).toEqual({ state: 'loading', reason: 'The model is being loaded.' });
    const left = new AbortController();
    const impatient = adapter.infer(createAttempt({ value: 'a' }, left.signal));
    const patient = adapter.infer(createAttempt({ value: 'b' }));
    left.abort(new Error('gone'));
    await expect(impatient).rejects.toThrow('gone');
    await writeFile(pipe, readFileSync(join(modelFolder, 'identity-string.onnx')));
    expect(await patient).toEqual({ same: 'b' });
    expect(await adapter.probe(never)).toMatchObject({ state: 'ready' });
  });

  it('turns calls away after it was closed', async () => {
    const adapter = open({ url: 'file:add.onnx' });
    await adapter.probe(never);
    await adapter.close();
    await expect(adapter.infer(createAttempt({ left: [1, 2], right: [3, 4] }))).rejects.toMatchObject({
      code: 'model_not_ready',
    });
  });
});

describe('running', () => {
  it('keeps the event loop free while the model computes', async () => {
    const adapter = open({ url: 'file:slow.onnx' });
    await adapter.probe(never);
    let turns = 0;
    const clock = setInterval(() => {
      turns += 1;
    }, 1);
    const answer = await adapter.infer(createAttempt(longRun));
    clearInterval(clock);
    expect(answer).toEqual({ trace: 16 });
    // A loop that the model held would not have turned at all.
    expect(turns).toBeGreaterThan(20);
  });

  it('tells when the run starts and when the answer comes', async () => {
    const adapter = open({ url: 'file:identity-string.onnx' });
    const attempt = createAttempt({ value: 'a' });
    await adapter.infer(attempt);
    expect(attempt).toMatchObject({ sentCount: 1, progressCount: 1 });
  });

  it('counts waiting for an earlier run as not yet sent', async () => {
    const adapter = open({ url: 'file:slow.onnx' });
    await adapter.probe(never);
    const first = createAttempt(longRun);
    const second = createAttempt({ rounds: 1 });
    const answers = [adapter.infer(first), adapter.infer(second)];
    await sleep(20);
    expect(first).toMatchObject({ sentCount: 1, progressCount: 0 });
    expect(second.sentCount).toBe(0);
    await Promise.all(answers);
    expect(second).toMatchObject({ sentCount: 1, progressCount: 1 });
  });

  it('answers each of many calls at once with its own answer', async () => {
    const adapter = open({ url: 'file:identity-string.onnx' });
    const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`);
    const answers = await Promise.all(texts.map((value) => adapter.infer(createAttempt({ value }))));
    expect(answers).toEqual(texts.map((same) => ({ same })));
  });

  it('rejects an aborted call at once, and never starts one that was still waiting', async () => {
    const adapter = open({ url: 'file:slow.onnx' });
    await adapter.probe(never);
    const running = new AbortController();
    const waiting = new AbortController();
    const calls = [
      adapter.infer(createAttempt(longRun, running.signal)),
      // Would take minutes.
      adapter.infer(createAttempt({ rounds: 300_000_000 }, waiting.signal)),
    ];
    let nextHasEnded = false;
    const next = adapter.infer(createAttempt({ rounds: 1 })).finally(() => {
      nextHasEnded = true;
    });
    await sleep(20);
    running.abort(new Error('first left'));
    waiting.abort(new Error('second left'));
    await expect(calls[0]).rejects.toThrow('first left');
    await expect(calls[1]).rejects.toThrow('second left');
    // The run of the first goes on, since it cannot be interrupted.
    expect(nextHasEnded).toBe(false);
    expect(await next).toEqual({ trace: 16 });
  });

  it('does not start a call that was aborted before', async () => {
    const adapter = open({ url: 'file:add.onnx' });
    const attempt = createAttempt({ left: [1, 2], right: [3, 4] }, AbortSignal.abort(new Error('gone')));
    await expect(adapter.infer(attempt)).rejects.toThrow('gone');
    expect(attempt.sentCount).toBe(0);
  });

  it('waits for the run at hand when it is closed', async () => {
    const adapter = open({ url: 'file:slow.onnx' });
    await adapter.probe(never);
    const answer = adapter.infer(createAttempt(longRun));
    await sleep(20);
    await adapter.close();
    expect(await answer).toEqual({ trace: 16 });
  });
});

describe('a thread that dies', () => {
  const crash = new URL('./__fixtures__/onnx/crashing-worker.ts', import.meta.url);

  it('fails its calls as worth a retry, and a new thread takes the next one', async () => {
    let threads = 0;
    const adapter = open({
      url: 'file:identity-string.onnx',
      startThread: (setup) => {
        threads += 1;
        return threads === 1 ? startModelThread(setup, crash) : startModelThread(setup);
      },
    });
    expect(await adapter.probe(never)).toMatchObject({ state: 'ready' });
    const attempts = [createAttempt({ value: 'a' }), createAttempt({ value: 'b' })];
    const outcomes = await Promise.allSettled(attempts.map((attempt) => adapter.infer(attempt)));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'upstream_error', retryable: true },
      });
    }
    expect(await adapter.infer(createAttempt({ value: 'c' }))).toEqual({ same: 'c' });
    expect(threads).toBe(2);
  });

  it('is not ready where the thread dies while it loads', async () => {
    const entry = join(newFolder(), 'dies.mjs');
    writeFileSync(entry, 'throw new Error("no memory");');
    const adapter = open({
      url: 'file:add.onnx',
      startThread: (setup) => startModelThread(setup, pathToFileURL(entry)),
    });
    expect(await adapter.probe(never)).toMatchObject({
      state: 'not_ready',
      reason: expect.stringContaining('ended'),
    });
  });
});

describe('the definition', () => {
  const check = (url: string, outputs: JsonObject = {}) =>
    faultsOf(onnxProtocol, { protocol: 'onnx', url, options: { inputs: {}, outputs, threads: 1 } });

  it('may point at a file beside it or anywhere', () => {
    expect(check('file:../../models/language.onnx')).toEqual([]);
    expect(check('file:///models/language.onnx')).toEqual([]);
  });

  it.each(['http://127.0.0.1/model.onnx', 'file://models/language.onnx', 'file:a%2fb.onnx'])(
    'may not point at %s',
    (url) => {
      expect(check(url)).toMatchObject([{ pointer: '/endpoint/url' }]);
    },
  );

  it('may name classes only where there are indices', () => {
    const outputs = { 'a/b': { tensor: 'scores', take: 'max', labels: ['x'] } };
    expect(check('file:a.onnx', outputs)).toMatchObject([
      { pointer: '/endpoint/options/outputs/a~1b/labels' },
    ]);
  });
});
