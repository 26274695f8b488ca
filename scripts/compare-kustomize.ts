/**
 * Holds the rendering that the tests check (test/deploy/kustomize.ts) against Kustomize's own. Needs `kubectl` on the
 * PATH, which the tests do not.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { JsonObject, JsonValue } from '../src/contracts/json.ts';
import { identityOf, parseResources, render } from '../test/deploy/kustomize.ts';

const root = join(import.meta.dirname, '../deploy/kubernetes');
const run = promisify(execFile);

for (const folder of ['base', 'overlays/development', 'overlays/production']) {
  const ours = await render(join(root, folder));
  const { stdout } = await run('kubectl', ['kustomize', join(root, folder)]);
  const theirs = parseResources(stdout);
  const names = new Set([...ours, ...theirs].map(identityOf));
  const different = [...names].filter((name) => !isDeepStrictEqual(find(ours, name), find(theirs, name)));
  console.log(`${different.length === 0 ? '✓' : '✗'} ${folder}: ${[...names].length} resources`);
  for (const name of different) console.log(`    ${name} differs`);
  if (different.length > 0) process.exitCode = 1;
}

/** A resource in a form that compares: Kustomize puts what a patch adds to a list first, which means the same. */
function find(resources: readonly JsonObject[], name: string): unknown {
  const found = resources.find((resource) => identityOf(resource) === name);
  return found && ordered(found);
}

function ordered(value: JsonValue): unknown {
  if (Array.isArray(value))
    return value.map(ordered).sort((one, other) => (text(one) < text(other) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, ordered(member)]);
  return Object.fromEntries(members.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
