import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

it('reads the environment in config/, cli/ and main.ts only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lint-plants-'));
  try {
    copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'));
    for (const path of [
      'src/main.ts',
      'src/config/a.ts',
      'src/cli/a.ts',
      'src/app.ts',
      'src/policies/a.ts',
    ]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), 'export const planted = process.env.PLANTED;\n');
    }
    const { stdout } = spawnSync(
      join(root, 'node_modules/.bin/biome'),
      ['lint', '--vcs-enabled=false', '--reporter=json', '.'],
      { cwd: folder, encoding: 'utf8' },
    );
    const { diagnostics } = JSON.parse(stdout);
    const found = diagnostics.map(
      (fault: { category: string; location: { path: string } }) => `${fault.category} ${fault.location.path}`,
    );
    expect(found.sort()).toEqual([
      'lint/style/noProcessEnv src/app.ts',
      'lint/style/noProcessEnv src/policies/a.ts',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
