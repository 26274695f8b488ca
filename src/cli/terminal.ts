import { styleText } from 'node:util';
import type { Environment } from '../config/secret-sources.ts';

/** Where a command writes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** The width of the terminal in characters. */
  readonly columns?: number;
}

/** Where a command reads. */
export interface Input extends AsyncIterable<string | Uint8Array> {
  readonly isTTY?: boolean;
}

/** What a command knows of the world: the process itself, or a stand-in. */
export interface Terminal {
  readonly env: Environment;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
}

export type Style = 'bold' | 'dim' | 'green' | 'red';

/** Styles a text where it goes to a terminal that shows styles, and the user has not set NO_COLOR (no-color.org). */
export function styled(style: Style, text: string, output: Output, env: Environment): string {
  const isShown = output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return isShown ? styleText(style, text, { validateStream: false }) : text;
}

/** Brings a text to one line without control characters, which could drive the terminal. */
export function plainLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** Writes a value as indented JSON, for machines. */
export function writeJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
