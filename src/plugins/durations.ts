import { Histogram, type Registry } from 'prom-client';

/** The upper bounds of the buckets, in seconds: from a cache hit to a slow model. */
const bounds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** How long the things of one skill took, in buckets. */
export class Durations {
  /** In the order of the bounds, each without those below it; the last place is for what is beyond them. */
  readonly #buckets: number[] = [...bounds, 0].map(() => 0);
  #sum = 0;

  /** @param seconds how long it took */
  add(seconds: number): void {
    let place = 0;
    while (seconds > (bounds[place] ?? Number.POSITIVE_INFINITY)) place += 1;
    this.#buckets[place] = (this.#buckets[place] ?? 0) + 1;
    this.#sum += seconds;
  }

  get sum(): number {
    return this.#sum;
  }

  /** By upper bound, each with those below it, as Prometheus wants them. */
  *cumulative(): Iterable<readonly [bound: number | '+Inf', count: number]> {
    let count = 0;
    for (const [place, inBucket] of this.#buckets.entries()) {
      count += inBucket;
      yield [bounds[place] ?? '+Inf', count];
    }
  }
}

export interface DurationHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly register: Registry;
  /** The durations of each skill, by its name. */
  readonly read: () => Iterable<readonly [skill: string, durations: Durations]>;
}

/** A histogram that asks for its values when somebody scrapes; prom-client's own would hash labels at every call. */
export class DurationHistogram extends Histogram<'skill'> {
  readonly #options: DurationHistogramOptions;

  constructor(options: DurationHistogramOptions) {
    const { name, help, register } = options;
    super({ name, help, labelNames: ['skill'], registers: [register] });
    this.#options = options;
  }

  /** What prom-client 15 asks, also where it gives objects rather than text. */
  async getForPromString() {
    const { name, help } = this.#options;
    return { name, help, type: 'histogram', values: [...this.#values()] };
  }

  *#values() {
    const { name, read } = this.#options;
    for (const [skill, durations] of read()) {
      const sharedLabels = { skill };
      let count = 0;
      for (const [le, upTo] of durations.cumulative()) {
        count = upTo;
        yield { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: count };
      }
      yield { metricName: `${name}_sum`, labels: {}, sharedLabels, value: durations.sum };
      yield { metricName: `${name}_count`, labels: {}, sharedLabels, value: count };
    }
  }
}
