import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePrometheusText } from '../../src/lib/prometheus-text.ts';

const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,20}$/);
const labelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,10}$/);
const labels = fc.uniqueArray(fc.tuple(labelName, fc.string({ unit: 'binary' })), {
  selector: ([key]) => key,
  maxLength: 5,
});
// Written as text, negative zero is zero.
const value = fc.oneof(fc.double(), fc.integer()).map((number) => (number === 0 ? 0 : number));

/** Writes a metric as Prometheus' own libraries do. */
function write(
  metric: string,
  pairs: readonly (readonly [string, string])[],
  number: number,
  timestamp?: number,
) {
  const quoted = (text: string) =>
    text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const written = pairs.map(([key, text]) => `${key}="${quoted(text)}"`).join(',');
  const braces = pairs.length > 0 ? `{${written}}` : '';
  const shown =
    Number.isFinite(number) || Number.isNaN(number) ? String(number) : number > 0 ? '+Inf' : '-Inf';
  return `${metric}${braces} ${shown}${timestamp === undefined ? '' : ` ${timestamp}`}`;
}

describe('the Prometheus text format', () => {
  it('is read as it was written, whatever the labels hold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, labels, value, fc.option(fc.nat(), { nil: undefined })), { maxLength: 10 }),
        (metrics) => {
          const lines = metrics.flatMap(([metric, pairs, number, timestamp]) => [
            `# HELP ${metric} Whatever {it="is"} 1`,
            `# TYPE ${metric} gauge`,
            write(metric, pairs, number, timestamp),
            '',
          ]);
          expect(parsePrometheusText(lines.join('\n'))).toEqual(
            metrics.map(([metric, pairs, number]) => ({
              name: metric,
              labels: new Map(pairs),
              value: number,
            })),
          );
        },
      ),
    );
  });

  it('never runs into anything but an error that names the line, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z{}"\\=, \n0-9#]{0,60}$/)), (text) => {
        try {
          parsePrometheusText(text);
        } catch (error) {
          expect(error).toMatchObject({ message: expect.stringMatching(/^line \d+ is no metric$/) });
        }
      }),
    );
  });

  it.each([
    ['blanks wherever they may be', 'a { b = "c" , d="e" , } 1.5', { b: 'c', d: 'e' }, 1.5],
    ['no blank before the value', 'a{b="c"}1', { b: 'c' }, 1],
    ['an exemplar of OpenMetrics', 'a{le="+Inf"} 3 # {trace_id="x y"} 0.5 1.6e9', { le: '+Inf' }, 3],
    ['a number in Go form', 'a 1.7976931348623157e+308', {}, Number.MAX_VALUE],
  ])('may have %s', (_what, line, pairs, number) => {
    expect(parsePrometheusText(line)).toEqual([
      { name: 'a', labels: new Map(Object.entries(pairs)), value: number },
    ]);
  });

  it.each(['<html>', 'a', 'a{b="c" 1', 'a{b="c"}', 'a{b=c} 1', 'a one', '1a 1', 'a{"b"="c"} 1'])(
    'is not %s',
    (text) => {
      expect(() => parsePrometheusText(`ok 1\n${text}`)).toThrow('line 2 is no metric');
    },
  );
});
