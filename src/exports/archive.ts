import { strToU8, type Zippable, zipSync } from 'fflate';
import type { AgentSkill } from '../contracts/exports.ts';

/** The first moment that a zip archive can name, so that the same skill gives the same bytes at any time. */
const fixedTime = new Date(1980, 0, 1);
/** Unix, in the "version made by" field (APPNOTE.TXT, section 4.4.2): the modes below hold there. */
const unix = 3;

/** Packs a skill as a `.skill` file: a zip archive of its folder. */
export function toArchive({ name, files }: AgentSkill): Uint8Array<ArrayBuffer> {
  const entries: Zippable = Object.fromEntries(
    files.map(({ path, text, isExecutable }) => [
      `${name}/${path}`,
      [
        strToU8(text),
        { mtime: fixedTime, os: unix, attrs: (isExecutable ? 0o100755 : 0o100644) * 2 ** 16, level: 9 },
      ],
    ]),
  );
  return zipSync(entries);
}
