import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Processes rather than threads: the embedded model brings native code and worker threads of its own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 10_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/docker.test.ts', 'test/clients/**'],
        },
      },
      {
        // Installs the packages and builds, as the image does.
        extends: true,
        test: { name: 'image', include: ['test/docker.test.ts'], testTimeout: 240_000, hookTimeout: 240_000 },
      },
    ],
  },
});
