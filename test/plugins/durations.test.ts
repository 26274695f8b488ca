import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { DurationHistogram, Durations } from '../../src/plugins/durations.ts';

const name = 'skillgate_invocation_duration_seconds';
const help = 'Time from the entrypoint to the answer';
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

it('writes the same text as a histogram of prom-client that observed the same durations', async () => {
  const seconds = fc.oneof(fc.constantFrom(...buckets), fc.double({ min: 0, max: 100, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(seconds, { minLength: 1 }),
      fc.array(seconds, { minLength: 1 }),
      async (a, b) => {
        const [theirs, ours] = [new Registry(), new Registry()];
        const histogram = new Histogram({ name, help, labelNames: ['skill'], buckets, registers: [theirs] });
        const durations = new Map([
          ['a', new Durations()],
          ['b', new Durations()],
        ]);
        new DurationHistogram({ name, help, register: ours, read: () => durations });
        for (const [skill, observed] of [['a', a] as const, ['b', b] as const]) {
          for (const each of observed) {
            histogram.observe({ skill }, each);
            durations.get(skill)?.add(each);
          }
        }
        expect(await ours.metrics()).toBe(await theirs.metrics());
      },
    ),
  );
});
