import { apiKey } from './requests.ts';

/**
 * Reads a gateway's /metrics.
 *
 * @returns the value of a metric, by its name and labels as they are written there; it throws where there is none
 */
export async function readMetrics({ port }: { readonly port: number }): Promise<(name: string) => number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  const lines = (await response.text()).split('\n');
  return (name) => {
    const line = lines.find((candidate) => candidate.startsWith(`${name} `));
    if (line === undefined) throw new Error(`/metrics answered ${response.status} without ${name}`);
    return Number(line.slice(name.length + 1));
  };
}
