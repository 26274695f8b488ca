import { describe, expect, it } from 'vitest';
import { createAdaptiveSize } from '../../src/lib/adaptive-size.ts';

/** Runs full batches on a model that takes `baseMs` a batch and `rowMs` a row; gives the sizes that were tried. */
function runOn(
  baseMs: number,
  rowMs: number,
  options: { max: number; objectiveMs: number },
  batches: number,
) {
  const size = createAdaptiveSize(options);
  return Array.from({ length: batches }, () => {
    const rows = size.current;
    size.succeeded(rows, baseMs + rows * rowMs);
    return rows;
  });
}

describe('the size of batches', () => {
  it('begins with one row and grows to the maximum where the model is fast enough', () => {
    const sizes = runOn(10, 0, { max: 64, objectiveMs: 200 }, 20);
    expect(sizes[0]).toBe(1);
    expect(sizes[1]).toBe(5);
    expect(sizes.at(-1)).toBe(64);
  });

  it('settles just below what the latency objective allows, and stays there', () => {
    const sizes = runOn(10, 2, { max: 256, objectiveMs: 100 }, 200).slice(50);
    // 45 rows take 100 ms.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(45 + 256 / 16);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(36);
  });

  it('never grows on batches that were not full', () => {
    const size = createAdaptiveSize({ max: 64, objectiveMs: 200 });
    size.succeeded(1, 5);
    const grown = size.current;
    for (let batch = 0; batch < 10; batch += 1) size.succeeded(1, 5);
    expect(size.current).toBe(grown);
  });

  it('never falls below one row, however late the model is', () => {
    expect(runOn(1000, 0, { max: 8, objectiveMs: 10 }, 20).at(-1)).toBe(1);
  });

  it('halves when the model failed, once for all the batches that were under way', () => {
    const size = createAdaptiveSize({ max: 64, objectiveMs: 200 });
    for (let batch = 0; batch < 20; batch += 1) size.succeeded(size.current, 10);
    size.failed(64);
    size.failed(64);
    expect(size.current).toBe(32);
  });
});
