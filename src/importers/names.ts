const maxNameLength = 48;
/** Claude's API takes property names of at most so many characters. */
const maxPropertyLength = 64;

/**
 * Makes a skill's name (`^[a-z][a-z0-9_-]{0,47}$`) out of whatever a server calls a model: the last part of a path,
 * without the ending of a model file.
 */
export function skillName(text: string): string {
  const [last = ''] = text.split('/').filter(Boolean).slice(-1);
  const plain = ascii(last.replace(/\.(?:gguf|onnx|bin|pt|pth|mar)$/i, ''))
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '_')
    .replaceAll(/^[_-]+|[_-]+$/g, '');
  if (plain === '') return 'model';
  const named = /^[a-z]/.test(plain) ? plain : `model_${plain}`;
  return named.slice(0, maxNameLength);
}

/** Makes the names of properties that Claude's API takes (`^[a-zA-Z0-9_.-]{1,64}$`), the same where they are fit. */
export function propertyName(text: string): string {
  if (/^[a-zA-Z0-9_.-]{1,64}$/.test(text) && text !== '__proto__') return text;
  const plain = ascii(text)
    .replaceAll(/[^a-zA-Z0-9_.-]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return (plain || 'value').slice(0, maxPropertyLength);
}

/**
 * Keeps names apart: one that is taken gets `_2`, `_3` and so on.
 *
 * @param maxLength the longest that a name may be
 */
export function uniqueNames(names: readonly string[], maxLength = maxNameLength): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let count = 2; taken.has(unique); count += 1) {
      const ending = `_${count}`;
      unique = name.slice(0, maxLength - ending.length) + ending;
    }
    taken.add(unique);
    return unique;
  });
}

/** The property names of tensors, in their order, each its own. */
export function propertyNames(tensors: readonly { readonly name: string }[]): string[] {
  return uniqueNames(
    tensors.map(({ name }) => propertyName(name)),
    maxPropertyLength,
  );
}

/** Letters without their accents (Unicode NFKD). */
function ascii(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '');
}
