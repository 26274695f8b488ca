import { defineConfig } from 'vitest/config';

/** The tests that need the installed clients: `npm run test:clients`. */
export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 30_000,
  },
});
