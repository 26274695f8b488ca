import type { RowResult } from '../../contracts/adapter.ts';
import { toSkillgateError } from '../../contracts/errors.ts';

/** Works on every row of a batch by itself: what fails for one is the result of that one. */
export function eachRow<Row, Result>(
  rows: readonly Row[],
  work: (row: Row, index: number) => Result | Promise<Result>,
): Promise<(Result | Extract<RowResult, Error>)[]> {
  return Promise.all(
    rows.map(async (row, index) => {
      try {
        return await work(row, index);
      } catch (error) {
        return toSkillgateError(error);
      }
    }),
  );
}
