import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{ops,services,loadtests,tests}/**/*.test.ts'],
    pool: 'forks',
    globalSetup: ['tests/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
