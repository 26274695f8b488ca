export interface AdaptiveSizeOptions {
  /** The largest size, at least 1. */
  readonly max: number;
  /** How long one batch may take, in milliseconds. */
  readonly objectiveMs: number;
}

/** How many rows a batch may have now. */
export interface AdaptiveSize {
  readonly current: number;
  /** Told that a batch of `size` rows went well, and that the model was busy with it for `ms` milliseconds. */
  succeeded(size: number, ms: number): void;
  /** Told that the model failed or timed out on a batch of `size` rows. */
  failed(size: number): void;
}

/** From one row to the maximum in as many full batches, where every one is within the objective. */
const stepsToMax = 16;
/** A batch that took too long was not far off: the best size hardly changes. */
const lateFactor = 0.9;
/** A batch on which the model failed may have been far too large. */
const failedFactor = 0.5;

/**
 * Finds the size of batch that a model takes within a latency objective: additive increase after full batches,
 * multiplicative decrease after late ones (Crankshaw et al., Clipper, NSDI 2017, section 4.3.1).
 */
export function createAdaptiveSize({ max, objectiveMs }: AdaptiveSizeOptions): AdaptiveSize {
  const step = Math.max(1, max / stepsToMax);
  let size = 1;

  /** A batch that left before the last change must not change it once more. */
  function shrink(fromSize: number, factor: number): void {
    size = Math.max(1, Math.min(size, fromSize * factor));
  }

  return {
    get current() {
      return Math.floor(size);
    },
    succeeded(rows, ms) {
      if (ms > objectiveMs) shrink(rows, lateFactor);
      else if (rows >= Math.floor(size)) size = Math.min(max, size + step);
    },
    failed: (rows) => shrink(rows, failedFactor),
  };
}
