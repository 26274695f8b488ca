/** One word of a POSIX shell (section 2.2.2, single-quotes), whatever the text contains. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
