#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';

// Code that was compiled at an earlier start need not be compiled again.
enableCompileCache();
// Full collections stop calls for milliseconds, and V8 makes them often where there is little load (decision 0024).
setFlagsFromString('--heap-growing-percent=200');
const { runCommandLine } = await import('./cli/run.ts');

// Whoever reads the output may leave first, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const code = await runCommandLine(process.argv.slice(2), process);
// What a model or a connection still holds open must not keep a finished command alive.
process.stdout.write('', () => process.exit(code));
