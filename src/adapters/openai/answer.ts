import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';
import { parseModelJson } from '../shared/model-json.ts';
import type { Generation } from './generation.ts';

/** What a reasoning model thinks aloud, where its server does not take it out. */
const thoughts = /^\s*<think>[\s\S]*?<\/think>/;
/** A block of code in Markdown (CommonMark, 4.5). */
const fence = /(?:^|\n)\s*(`{3,}|~{3,})[^\n`]*\n([\s\S]*?)\n?\s*\1/;

/**
 * The text of an answer that the model brought to its end.
 *
 * @param maxTokens what it was told that it may write
 * @throws SkillgateError `invalid_output` where it was cut off, or the model refused
 */
export function finishedText({ text, finishReason, refusal }: Generation, maxTokens: number): string {
  if (refusal !== '') throw refused(refusal);
  if (finishReason === 'content_filter') throw refused("the server's filter held the answer back");
  if (finishReason === 'length') {
    throw new SkillgateError(
      'invalid_output',
      `The model's answer was truncated at max_tokens (${maxTokens}), or where its context ends.`,
    );
  }
  return text.replace(thoughts, '').trim();
}

function refused(reason: string): SkillgateError {
  return new SkillgateError('invalid_output', `The model refused: ${reason.slice(0, 500)}`);
}

/**
 * Reads the JSON that a model wrote, in a Markdown fence or without.
 *
 * @returns undefined where there is none
 */
export function jsonIn(text: string): JsonValue | undefined {
  const [, , fenced] = fence.exec(text) ?? [];
  for (const candidate of [text, fenced]) {
    if (candidate === undefined) continue;
    try {
      return parseModelJson(candidate);
    } catch {
      // Not this one: a text without JSON is no failure of the reader.
    }
  }
  return undefined;
}
