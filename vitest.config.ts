import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{ops,services,loadtests,tests}/**/*.test.ts'],
    pool: 'forks',
    globalSetup: ['tests/global-setup.ts'],
    // A second, the default, is short beside other test files on two cores.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
