import { promisify } from 'node:util';
import { constants, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';
import type { CacheEntry } from '../../contracts/stores.ts';

/** Shorter texts than this gain nothing by compression, in bytes. */
const compressFrom = 2048;
/** Longer texts than this are compressed on another thread, since it takes longer than the change of threads. */
const compressAsideFrom = 64 * 1024;
/** What an entry may become when it is unpacked, in bytes. */
const maxUnpackedBytes = 64 * 1024 * 1024;

const plain = 0;
const deflated = 1;
const fast = { level: constants.Z_BEST_SPEED };
const bounded = { maxOutputLength: maxUnpackedBytes };

const deflateAside = promisify(deflateRaw);
const inflateAside = promisify(inflateRaw);

/**
 * Writes an entry as bytes: a byte for the format, and then, compressed where it is long, the length of the canonical
 * input in four bytes, that input and the answer in UTF-8.
 *
 * @returns a promise only where it takes long; undefined where the entry is too large to be unpacked again
 */
export function packAnswer({ canonicalInput, json }: CacheEntry): Buffer | undefined | Promise<Buffer> {
  const inputBytes = Buffer.byteLength(canonicalInput);
  const text = Buffer.allocUnsafe(4 + inputBytes + Buffer.byteLength(json));
  if (text.length > maxUnpackedBytes) return undefined;
  text.writeUInt32LE(inputBytes, 0);
  text.write(canonicalInput, 4);
  text.write(json, 4 + inputBytes);
  if (text.length < compressFrom) return withFormat(plain, text);
  if (text.length < compressAsideFrom) return withFormat(deflated, deflateRawSync(text, fast));
  return deflateAside(text, fast).then((packed) => withFormat(deflated, packed));
}

/** What `packAnswer` wrote. */
export interface UnpackedAnswer {
  readonly canonicalInput: string;
  readonly json: string;
}

/**
 * Reads what `packAnswer` wrote.
 *
 * @throws Error where the bytes are not of that form
 */
export async function unpackAnswer(bytes: Buffer): Promise<UnpackedAnswer> {
  const text = await unpack(bytes);
  const inputEnd = 4 + text.readUInt32LE(0);
  if (inputEnd > text.length) throw new RangeError('The stored answer has been cut off.');
  return { canonicalInput: text.toString('utf8', 4, inputEnd), json: text.toString('utf8', inputEnd) };
}

async function unpack(bytes: Buffer): Promise<Buffer> {
  const [format] = bytes;
  const packed = bytes.subarray(1);
  if (format === plain) return packed;
  if (format !== deflated) throw new RangeError(`The stored answer is of an unknown format, ${format}.`);
  return packed.length < compressAsideFrom / 4
    ? inflateRawSync(packed, bounded)
    : await inflateAside(packed, bounded);
}

function withFormat(format: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(format), bytes]);
}
