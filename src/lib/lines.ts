/** Takes text apart into lines as its bytes come. */
export interface LineReader {
  push(bytes: Uint8Array): void;
  /** Gives the last line, where no line end follows it. */
  end(): void;
}

/**
 * Makes a reader of UTF-8 lines that end in LF, CRLF or CR, however the bytes are cut. A byte order mark is dropped,
 * what is not UTF-8 becomes U+FFFD.
 *
 * @param onLine gets each line without its end
 */
export function createLineReader(onLine: (line: string) => void): LineReader {
  const decoder = new TextDecoder();
  let rest = '';
  let afterReturn = false;

  function read(decoded: string): void {
    if (decoded === '') return;
    // The CR that came last has ended its line; this LF belongs to it.
    const text = afterReturn && decoded.startsWith('\n') ? decoded.slice(1) : decoded;
    afterReturn = decoded.endsWith('\r');
    let start = 0;
    for (const { 0: lineEnd, index } of text.matchAll(/\r\n|\r|\n/g)) {
      const line = rest + text.slice(start, index);
      rest = '';
      start = index + lineEnd.length;
      onLine(line);
    }
    rest += text.slice(start);
  }

  return {
    push: (bytes) => read(decoder.decode(bytes, { stream: true })),
    end() {
      read(decoder.decode());
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
