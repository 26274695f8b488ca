import type { Row } from '../report.ts';
import type { Verdict } from './jobs.ts';
import type { UnreliableModel } from './model.ts';

/** The lines of the table that say what became of the jobs of one part. */
export function verdictRows(
  what: string,
  jobCount: number,
  verdict: Verdict,
  { calls }: UnreliableModel,
  seconds: number,
): Row[] {
  const { accepted, made, succeeded, failed, repeated, lost, torn } = verdict;
  const ended = succeeded + failed;
  return [
    {
      what: `${what}: jobs accepted, made, ended`,
      measured: `${accepted}, ${made}, ${ended} (${succeeded} succeeded, ${failed} failed)`,
      target: `${jobCount} each`,
      met: [accepted, made, ended].every((count) => count === jobCount),
    },
    { what: `${what}: lost`, measured: `${lost}`, target: '0', met: lost === 0 },
    {
      what: `${what}: ended twice or with two results`,
      measured: `${torn}`,
      target: '0',
      met: torn === 0,
    },
    {
      what: `${what}: took`,
      measured: `${seconds.toFixed(1)} s, ${calls} calls of the model, ${repeated} jobs in more than one run`,
    },
  ];
}
