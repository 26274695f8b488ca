/** What the process says to whoever started it (sysexits.h for the last). */
export const exitCode = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
  badConfiguration: 78,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The command line cannot be carried out as it stands. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
