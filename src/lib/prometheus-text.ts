/** One value of a metric. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const metricName = /([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*/y;
const label = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*,?/y;
const endOfLabels = /[ \t]*\}[ \t]*/y;
/** The value. After it may come a timestamp or an OpenMetrics exemplar. */
const number = /([^ \t#]+)(?:[ \t].*)?$/y;

const infinities: ReadonlyMap<string, number> = new Map([
  ['+Inf', Number.POSITIVE_INFINITY],
  ['Inf', Number.POSITIVE_INFINITY],
  ['-Inf', Number.NEGATIVE_INFINITY],
]);

const escapes: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

/**
 * Reads metrics in the Prometheus text format (version 0.0.4, and what OpenMetrics has in common with it). Comments and
 * timestamps are left out.
 *
 * @throws Error with the number of a line that is no metric
 */
export function parsePrometheusText(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const sample = parseLine(trimmed);
    if (sample === undefined) throw new Error(`line ${index + 1} is no metric`);
    samples.push(sample);
  }
  return samples;
}

function parseLine(line: string): Sample | undefined {
  const scan = scanner(line);
  const name = scan(metricName)?.[1];
  if (name === undefined) return undefined;
  const labels = new Map<string, string>();
  if (scan(/\{/y)) {
    for (let found = scan(label); found; found = scan(label)) {
      labels.set(
        found[1] ?? '',
        (found[2] ?? '').replaceAll(/\\./g, (pair) => escapes[pair] ?? pair),
      );
    }
    if (!scan(endOfLabels)) return undefined;
  }
  const value = toNumber(scan(number)?.[1]);
  return value === undefined ? undefined : { name, labels, value };
}

/** Makes a function that matches one pattern after the other, each where the last one ended. */
function scanner(line: string): (pattern: RegExp) => RegExpExecArray | null {
  let at = 0;
  return (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(line);
    if (found) at = pattern.lastIndex;
    return found;
  };
}

function toNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === 'NaN') return Number.NaN;
  const value = infinities.get(text) ?? Number(text);
  return Number.isNaN(value) ? undefined : value;
}
