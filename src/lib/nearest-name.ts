/**
 * The known name that somebody who wrote `name` most likely meant: the same but for case, `_` and `-`, or at most two
 * typing errors away (Levenshtein distance; one error for names shorter than five characters).
 *
 * @returns undefined where none is near
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  // The distance costs the product of the lengths, and a name may come from anywhere.
  if (name.length > 64) return undefined;
  const plain = plainName(name);
  let nearest: string | undefined;
  let nearestDistance = plain.length < 5 ? 2 : 3;
  for (const candidate of known) {
    const distance = editDistance(plain, plainName(candidate));
    if (distance < nearestDistance) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  return nearest;
}

function plainName(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const substitution = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(substitution, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
