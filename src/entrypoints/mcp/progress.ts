/** A word on a call that is under way (MCP, Progress). */
export interface Progress {
  /** Seconds since the call began: a model does not say how far it is. */
  readonly progress: number;
  readonly message: string;
}

/** From here a call counts as slow, in milliseconds: clients want a first byte within a minute, people sooner. */
export const slowAfterMs = 500;

/** From here a call is given as a task to clients that take them, in milliseconds: before the stream would open. */
export const taskAfterMs = 300;

/** Between two signs of life, in milliseconds. Proxies often end what is silent for longer than half a minute. */
const everyMs = 2000;

/**
 * Tells at once and then every few seconds that a call is under way.
 *
 * @returns ends it
 */
export function startSignsOfLife(tell: (progress: Progress) => void): () => void {
  const startedAt = performance.now() - slowAfterMs;
  const report = () => {
    const progress = Math.round((performance.now() - startedAt) / 100) / 10;
    tell({ progress, message: `The model has been working for ${Math.round(progress)} s.` });
  };
  report();
  const timer = setInterval(report, everyMs);
  return () => clearInterval(timer);
}

/**
 * As `startSignsOfLife`, once the call has proved to be slow.
 *
 * @returns ends it
 */
export function startProgress(tell: (progress: Progress) => void): () => void {
  let stop: () => void = () => undefined;
  const timer = setTimeout(() => {
    stop = startSignsOfLife(tell);
  }, slowAfterMs);
  return () => {
    clearTimeout(timer);
    stop();
  };
}
