/**
 * Checks who imports whom, and that the checker can see at all: every rule has to catch the violation that is planted
 * for it, and every source file has to have been read.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';
import readRules from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { filesUnder } from './files-under.ts';
import { importPlants, type Plant } from './import-plants.ts';
import './swc-visitor.ts';

const root = join(import.meta.dirname, '..');

async function cruisePaths(
  baseDir: string,
  paths: string[],
  options: ICruiseOptions,
): Promise<ICruiseResult> {
  const { output } = await cruise(paths, { ...options, baseDir });
  if (typeof output === 'string')
    throw new Error('dependency-cruiser answered with text where a result was due');
  return output;
}

/** What the rules find in a plant that is laid out on disk, compared with what they should find. */
async function faultsOfPlant(plant: Plant, options: ICruiseOptions): Promise<string[]> {
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  // Inside the repository, so that the planted imports of packages resolve.
  const folder = await mkdtemp(join(cache, 'import-plant-'));
  try {
    for (const [path, source] of Object.entries(plant.files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), source);
    }
    const { summary } = await cruisePaths(folder, Object.keys(plant.files), options);
    const found = [...new Set(summary.violations.map((violation) => violation.rule.name))];
    if (found.length === 1 && found[0] === plant.rule) return [];
    return [
      `planted against ${plant.rule} in ${Object.keys(plant.files)[0]}: caught by ${found.join(', ') || 'nobody'}`,
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Rules for which nobody planted a violation. */
function rulesWithoutPlant(options: ICruiseOptions): string[] {
  const planted = new Set(importPlants.map((plant) => plant.rule));
  return (options.ruleSet?.forbidden ?? [])
    .map((rule) => rule.name ?? 'a rule without a name')
    .filter((name) => !planted.has(name))
    .map((name) => `${name}: no violation is planted for it in scripts/import-plants.ts`);
}

/** Source files that the checker passed over, or whose imports it did not see. */
async function unreadFiles(result: ICruiseResult): Promise<string[]> {
  const importCounts = new Map(result.modules.map((module) => [module.source, module.dependencies.length]));
  const faults: string[] = [];
  for (const file of await filesUnder(join(root, 'src'), '.ts')) {
    const path = relative(root, file).split(sep).join('/');
    const count = importCounts.get(path);
    if (count === undefined) faults.push(`${path}: not read by the checker`);
    else if (count === 0 && /^(import|export)\b[^;]*\bfrom '/m.test(await readFile(file, 'utf8'))) {
      faults.push(`${path}: the checker saw none of its imports`);
    }
  }
  return faults;
}

const options = await readRules(join(root, '.dependency-cruiser.mjs'));
const faults = rulesWithoutPlant(options);
for (const plant of importPlants) faults.push(...(await faultsOfPlant(plant, options)));

const result = await cruisePaths(root, ['src', 'test', 'scripts', 'bench'], options);
faults.push(...(await unreadFiles(result)));
for (const { rule, from, to } of result.summary.violations) faults.push(`${rule.name}: ${from} → ${to}`);

for (const fault of faults) console.error(fault);
console.log(
  `${result.summary.totalCruised} modules, ${options.ruleSet?.forbidden?.length} rules, ` +
    `${importPlants.length} planted violations, ${faults.length} faults`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
