import { findProgram, installFromDebian, runProgram } from './debian.ts';

export interface Wanted {
  readonly program: string;
  /** Debian's package that holds it. */
  readonly debianPackage: string;
  /** The image that runs it. */
  readonly image: string;
}

/**
 * Finds a server program: on the PATH, else in Debian's packages, else as an image of Docker.
 *
 * @returns where the program is, or that the image is there
 * @throws Error where none of the three is to be had
 */
export async function findServer(wanted: Wanted): Promise<{ readonly program: string } | 'image'> {
  const { program, debianPackage, image } = wanted;
  const installed = await findProgram(program);
  if (installed !== undefined) return { program: installed };
  const failure = await installFromDebian(debianPackage);
  const fresh = await findProgram(program);
  if (fresh !== undefined) return { program: fresh };
  const docker = await runProgram('docker', ['pull', '--quiet', image]);
  if (docker.code === 0) return 'image';
  throw new Error(
    `These tests need a real ${program}. There is none on the PATH, Debian's package ${debianPackage} could not be ` +
      `installed (${failure ?? 'it does not hold it'}), and Docker cannot give one either (${docker.output.trim()}).`,
  );
}
