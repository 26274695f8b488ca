import { hostOf } from './host.ts';

/**
 * Makes the check of UPSTREAM_ALLOW_HOSTS.
 *
 * @param patterns `gpu-1.example`, `*.svc.cluster.local` (what lies under it, not the name itself), `10.0.0.7:8501`,
 *   `[::1]:8000`, `*`; a pattern without a port allows every port
 */
export function createAllowedHosts(patterns: readonly string[]): (url: URL) => boolean {
  const checks = patterns.map(readPattern);
  return (url) => checks.some((allows) => allows(url));
}

function readPattern(pattern: string): (url: URL) => boolean {
  const [, written = '', port] = /^(.*?)(?::(\d+))?$/.exec(pattern.trim().toLowerCase()) ?? [];
  const isName = hostCheck(written);
  return (url) => isName(hostOf(url).name) && (port === undefined || hostOf(url).port === Number(port));
}

function hostCheck(written: string): (name: string) => boolean {
  if (written === '*') return () => true;
  const suffix = written.startsWith('*.') ? written.slice(1) : undefined;
  if (suffix !== undefined) return (name) => name.endsWith(suffix);
  // The URL parser brings addresses into one form.
  const name = URL.canParse(`http://${written}`) ? hostOf(new URL(`http://${written}`)).name : written;
  return (other) => other === name;
}
