#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Code that was compiled at an earlier start need not be compiled again.
enableCompileCache();
const { runCommandLine } = await import('./cli/run.ts');

// Whoever reads the output may leave first, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const code = await runCommandLine(process.argv.slice(2), process);
// What a model or a connection still holds open must not keep a finished command alive.
process.stdout.write('', () => process.exit(code));
