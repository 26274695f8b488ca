import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../../src/contracts/json.ts';
import type { Answer, Gateway } from './gateway.ts';
import type { Door } from './model-server.ts';
import type { Recorder } from './recorder.ts';

/** What a check found. */
export interface Finding {
  /** `limit`: what is missing is the server's to do. */
  readonly verdict: 'ok' | 'fault' | 'limit';
  readonly found: string;
}

/** Where a check looks. */
export interface Scene {
  readonly door: Door;
  readonly gateway: Gateway;
  readonly recorder: Recorder;
}

export interface Check {
  /** The column's head. */
  readonly name: string;
  run(scene: Scene): Promise<Finding>;
}

const callers = 32;
/** What a call may be told while its model loads, or its server starts. */
const passing: ReadonlySet<string> = new Set(['model_not_ready', 'upstream_error']);
/** How soon a model counts as freed by a caller who left, in milliseconds. */
const freedMs = 1500;

/** All checks, in the order in which they are run and shown. */
export const checks: readonly Check[] = [
  { name: 'infer', run: checkInfer },
  { name: 'wrong input', run: checkWrong },
  { name: 'not ready', run: checkLoading },
  { name: 'unload, load on demand', run: checkUnloading },
  { name: 'the caller leaves', run: checkLeaving },
  { name: `${callers} calls at once`, run: checkMany },
];

async function checkInfer({ door: { right }, gateway, recorder }: Scene): Promise<Finding> {
  await waitUntilReady(gateway, right.skill);
  await recorder.probe('the probe of a model that is ready', right.skill);
  await recorder.infer('a call that goes well', right);
  const answer = await gateway.ask(right);
  return verdict(gives(answer, right.output), describe(answer));
}

async function checkWrong({ door: { wrong }, gateway, recorder }: Scene): Promise<Finding> {
  const found: string[] = [];
  let isRight = true;
  for (const { what, code, ...question } of wrong) {
    await recorder.infer(`a call that is refused: ${what}`, question);
    const answer = await gateway.ask(question);
    isRight &&= answer.code === code;
    found.push(`${what}: ${answer.status} \`${answer.code ?? 'no error'}\``);
  }
  return verdict(isRight, found.join(', '));
}

async function checkLoading(scene: Scene): Promise<Finding> {
  const { codes, states, retryAfter, last, seconds } = await callWhileLoading(scene);
  if (last.code !== undefined) return { verdict: 'fault', found: describe(last) };
  if (codes.size === 0)
    return { verdict: 'ok', found: `the server kept the call waiting: 200 after ${seconds} s` };
  const told = [...codes].map((code) => `\`${code}\``).join(', ');
  return verdict(
    codes.has('model_not_ready') && retryAfter !== null,
    `${told} (state ${[...states].join(', ')}; Retry-After ${retryAfter ?? 'none'}), 200 after ${seconds} s`,
  );
}

interface Loading {
  /** What calls were told, and the states that the gateway knew, as they came up. */
  readonly codes: ReadonlySet<string>;
  readonly states: ReadonlySet<string>;
  readonly retryAfter: string | null;
  /** The answer that ended it. */
  readonly last: Answer;
  readonly seconds: string;
}

/** Has a model loaded, and calls it again and again until it answers, or something else goes wrong. */
async function callWhileLoading({ door: { loading }, gateway, recorder }: Scene): Promise<Loading> {
  const { begin, ...question } = loading;
  await waitUntilReady(gateway, question.skill);
  await begin();
  const start = performance.now();
  const codes = new Set<string>();
  const states = new Set<string>();
  let retryAfter: string | null = null;
  let last: Answer | undefined;
  const ask = async (): Promise<void> => {
    const answer = await gateway.ask(question);
    const { code } = answer;
    const isLate = performance.now() - start > 60_000;
    if (code === undefined || !passing.has(code) || isLate) last ??= answer;
    else codes.add(code);
    if (code === 'model_not_ready') retryAfter ??= answer.retryAfter;
  };
  let isRecorded = false;
  const asked: Promise<void>[] = [];
  while (last === undefined) {
    // Not awaited: Triton lets who asks for the metadata of a model wait until it is loaded.
    asked.push(ask());
    const state = await gateway.stateOf(question.skill);
    states.add(state);
    if (!isRecorded && (codes.has('model_not_ready') || state === 'loading')) {
      isRecorded = true;
      await recorder.probe('the probe of a model that is loading', question.skill);
      await recorder.infer('a call of a model that is loading', question);
    }
    await sleep(30);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  await Promise.all(asked);
  return { codes, states, retryAfter, last, seconds };
}

async function checkUnloading({ door: { unloading }, gateway, recorder }: Scene): Promise<Finding> {
  if ('cannot' in unloading) return { verdict: 'limit', found: unloading.cannot };
  const { unload, load, ...question } = unloading;
  await waitUntilReady(gateway, question.skill);
  await unload();
  const gone = await gateway.ask(question);
  await recorder.probe('the probe of a model that was unloaded', question.skill);
  await recorder.infer('a call of a model that was unloaded', question);
  const isGone = gone.code === 'model_not_ready';
  if (typeof load !== 'string') {
    await load();
    return verdict(isGone, `${describe(gone)}; the gateway cannot have it loaded`);
  }
  const start = performance.now();
  const back = await gateway.ask({ ...question, skill: load });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const came = back.code === undefined ? `${back.status} after ${seconds} s` : describe(back);
  return verdict(isGone && back.code === undefined, `${describe(gone)}; with \`readiness.load\` ${came}`);
}

async function checkLeaving({ door: { long, short }, gateway }: Scene): Promise<Finding> {
  await waitUntilReady(gateway, long.skill);
  // How long the next call takes where nobody has left.
  await gateway.ask(short);
  const answer = await gateway.ask(long, AbortSignal.timeout(500)).catch(() => undefined);
  if (answer) return { verdict: 'fault', found: `the long call was answered at once: ${describe(answer)}` };
  const start = performance.now();
  const next = await gateway.ask(short);
  const ms = Math.round(performance.now() - start);
  if (next.code !== undefined) return { verdict: 'fault', found: describe(next) };
  if (ms <= freedMs) return { verdict: 'ok', found: `the model is free: the next call took ${ms} ms` };
  return {
    verdict: 'limit',
    found: `the server works on for a caller who is gone: the next call took ${ms} ms`,
  };
}

async function checkMany({ door, gateway }: Scene): Promise<Finding> {
  const start = performance.now();
  const answers = await Promise.all(
    Array.from({ length: callers }, async (_, index) => {
      const { output, ...question } = door.many(index);
      const answer = await gateway.ask(question);
      return gives(answer, output) ? 'right' : describe(answer);
    }),
  );
  const ms = Math.round(performance.now() - start);
  const wrong = answers.filter((answer) => answer !== 'right');
  const [first] = wrong;
  return verdict(
    wrong.length === 0,
    `${callers - wrong.length} right in ${ms} ms${first ? `; ${first}` : ''}`,
  );
}

function gives({ code, body }: Answer, wanted: JsonValue | ((output: JsonValue) => boolean)): boolean {
  if (code !== undefined) return false;
  return typeof wanted === 'function' ? wanted(body) : isDeepStrictEqual(body, wanted);
}

function verdict(isRight: boolean, found: string): Finding {
  return { verdict: isRight ? 'ok' : 'fault', found };
}

function describe({ status, code, body, retryAfter }: Answer): string {
  if (code === undefined) return `${status} \`${JSON.stringify(body)}\``;
  return `${status} \`${code}\`${retryAfter === null ? '' : `, Retry-After ${retryAfter}`}`;
}

async function waitUntilReady(gateway: Gateway, skill: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while ((await gateway.stateOf(skill)) !== 'ready') {
    if (performance.now() > deadline)
      throw new Error(`${skill} is ${await gateway.stateOf(skill)} for a minute`);
    await sleep(100);
  }
}
