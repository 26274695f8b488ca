import type { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';
import { retryAfterSeconds } from '../../contracts/problem.ts';
import { type Image, takeImages } from './images.ts';
import type { Tool } from './tool.ts';

/** The result of a tool call, as the JSON text of its parts: an answer is not parsed only to be written again. */
export interface ToolResult {
  /** The members of the result but for `_meta`. */
  readonly members: string;
  /** The members of `_meta`; empty where there are none. */
  readonly meta: string;
}

/** Where a whole result can be fetched, and until when. */
export interface ResultLink {
  readonly url: string;
  readonly expiresAt: Date;
}

/** An answer as it is shown. */
export interface ShownOutput {
  /** JSON text, without the images. */
  readonly text: string;
  readonly images: readonly Image[];
}

/**
 * Takes an answer apart into what is shown as text and as images.
 *
 * @param json the answer, as JSON text
 */
export function showOutput({ skill, images: places }: Tool, json: string): ShownOutput {
  const text = skill.compiled.toolSchemas.wrapsOutput ? `{"result":${json}}` : json;
  if (places === undefined) return { text, images: [] };
  const images: Image[] = [];
  const output: JsonValue = JSON.parse(text);
  return { text: JSON.stringify(takeImages(output, places, images)), images };
}

/**
 * The result of a call that went well. The text says the same as `structuredContent`, for clients that read only one.
 *
 * @param link given where the answer is larger than clients take
 */
export function successResult(tool: Tool, { text, images }: ShownOutput, link?: ResultLink): ToolResult {
  const blocks = images.map(({ mediaType, data }) => ({ type: 'image', data, mimeType: mediaType }));
  const content = contentMember([textBlock(text), ...blocks, ...linkBlocks(link)]);
  return {
    members: tool.images === undefined ? `${content},"structuredContent":${text}` : content,
    meta: linkMeta(link),
  };
}

/** The result of a call that failed: all that the caller needs to mend it stands in the text. */
export function errorResult(error: SkillgateError, requestId: string): ToolResult {
  return { members: `${contentMember([textBlock(errorText(error, requestId))])},"isError":true`, meta: '' };
}

/** An error's code, its detail, and every fault by JSON Pointer. */
export function errorText(error: SkillgateError, requestId: string): string {
  const retryAfter = retryAfterSeconds(error);
  const lines = [
    `${error.code}: ${error.message}`,
    ...(error.faults ?? []).map(({ pointer, message }) => `- ${pointer || '(the whole value)'}: ${message}`),
    ...(retryAfter === undefined ? [] : [`Try again after ${retryAfter} s.`]),
    ...(error.code === 'internal' ? [`Request id: ${requestId}`] : []),
  ];
  return lines.join('\n');
}

function contentMember(blocks: readonly object[]): string {
  return `"content":${JSON.stringify(blocks)}`;
}

function textBlock(text: string): object {
  return { type: 'text', text };
}

function linkBlocks(link: ResultLink | undefined): object[] {
  if (link === undefined) return [];
  return [
    {
      type: 'resource_link',
      uri: link.url,
      name: 'whole result',
      description: `The whole result, with the same credentials, until ${link.expiresAt.toISOString()}.`,
      mimeType: 'application/json',
    },
  ];
}

function linkMeta(link: ResultLink | undefined): string {
  if (link === undefined) return '';
  return `"skillgate/result":${JSON.stringify({ url: link.url, expires_at: link.expiresAt.toISOString() })}`;
}
