/**
 * Maps values side by side, at most `limit` at a time, and keeps their order.
 *
 * @throws the first error of `map`
 */
export async function mapConcurrent<Value, Result>(
  values: readonly Value[],
  limit: number,
  map: (value: Value, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(values.length);
  const entries = values.entries();
  async function work(): Promise<void> {
    // All workers draw from the one iterator.
    for (const [index, value] of entries) results[index] = await map(value, index);
  }
  await Promise.all(Array.from({ length: Math.min(limit, values.length) }, work));
  return results;
}
