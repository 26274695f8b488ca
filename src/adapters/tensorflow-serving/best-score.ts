import { SkillgateError } from '../../contracts/errors.ts';

/**
 * Finds the highest score, and the first place where it stands.
 *
 * @throws SkillgateError `invalid_output` where a score is NaN: then none is the highest
 */
export function bestScore(scores: readonly number[]): { readonly index: number; readonly score: number } {
  let index = 0;
  let best = Number.NEGATIVE_INFINITY;
  for (const [place, score] of scores.entries()) {
    if (Number.isNaN(score)) throw new SkillgateError('invalid_output', 'The model gave NaN as a score.');
    if (score <= best) continue;
    index = place;
    best = score;
  }
  return { index, score: scores[index] ?? best };
}
