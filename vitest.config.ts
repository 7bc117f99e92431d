import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'property-tests/**/*.prop.ts'],
    setupFiles: ['test/setup/seed.ts'],
    // Real processes, terminals and git behind most tests: two at once keep a small machine honest.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // A skip must be said in the code with its reason, an `only` must not slip through.
    allowOnly: false,
    passWithNoTests: false,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // Files that hold nothing but types.
      exclude: ['src/**/*.types.ts', 'src/ports/*.port.ts', 'src/protocols/*.protocol.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 85 },
    },
  },
})

export default config
