/** How often ended jobs are looked through at most and at least, in milliseconds. */
const sweepMs = { shortest: 25, longest: 60_000 };

/** How often ended jobs are looked through that are kept for so long, both in milliseconds. */
export function sweepIntervalMs(resultTtlMs: number): number {
  return Math.min(Math.max(resultTtlMs / 2, sweepMs.shortest), sweepMs.longest);
}
